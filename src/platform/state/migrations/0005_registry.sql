CREATE TABLE "fathom"."registry_aliases" (
	"model" text NOT NULL,
	"alias" text NOT NULL,
	"version" integer NOT NULL,
	CONSTRAINT "registry_aliases_model_alias_pk" PRIMARY KEY("model","alias")
);
--> statement-breakpoint
CREATE TABLE "fathom"."registry_files" (
	"model" text NOT NULL,
	"version" integer NOT NULL,
	"name" text NOT NULL,
	"sha256" text NOT NULL,
	"bytes" bigint NOT NULL,
	CONSTRAINT "registry_files_model_version_name_pk" PRIMARY KEY("model","version","name")
);
--> statement-breakpoint
CREATE TABLE "fathom"."registry_history" (
	"sequence" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "fathom"."registry_history_sequence_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"model" text NOT NULL,
	"alias" text NOT NULL,
	"version" integer,
	"previous" integer,
	"action" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"actor" text NOT NULL,
	"approved_by" text,
	"reason" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fathom"."registry_models" (
	"name" text PRIMARY KEY NOT NULL,
	"last_version" integer DEFAULT 0 NOT NULL,
	"policy" jsonb NOT NULL,
	"changed_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fathom"."registry_observations" (
	"plan" bigint NOT NULL,
	"is_candidate" boolean NOT NULL,
	"requests" bigint DEFAULT 0 NOT NULL,
	"failures" bigint DEFAULT 0 NOT NULL,
	"latency" bigint[] NOT NULL,
	"scores" bigint[] NOT NULL,
	"compared" bigint DEFAULT 0 NOT NULL,
	"disagreed" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "registry_observations_plan_is_candidate_pk" PRIMARY KEY("plan","is_candidate")
);
--> statement-breakpoint
CREATE TABLE "fathom"."registry_outbox" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "fathom"."registry_outbox_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"entry" jsonb NOT NULL,
	"claimed_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "fathom"."registry_pins" (
	"sha256" text PRIMARY KEY NOT NULL,
	"until" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fathom"."registry_plans" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "fathom"."registry_plans_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"model" text NOT NULL,
	"champion" integer NOT NULL,
	"candidate" integer NOT NULL,
	"mode" text NOT NULL,
	"share_percent" double precision NOT NULL,
	"rules" jsonb NOT NULL,
	"score_edges" jsonb,
	"status" text NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"started_by" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fathom"."registry_requests" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "fathom"."registry_requests_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"model" text NOT NULL,
	"version" integer NOT NULL,
	"champion" integer,
	"comparison" jsonb,
	"requested_by" text NOT NULL,
	"requested_at" timestamp with time zone NOT NULL,
	"reason" text NOT NULL,
	"status" text NOT NULL,
	"decided_by" text,
	"decided_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "fathom"."registry_versions" (
	"model" text NOT NULL,
	"version" integer NOT NULL,
	"digest" text NOT NULL,
	"kind" text NOT NULL,
	"lineage" jsonb NOT NULL,
	"parent_digest" text,
	"metrics" jsonb NOT NULL,
	"bytes" bigint NOT NULL,
	"signature" text,
	"signed_by" text,
	"note" text NOT NULL,
	"registered_at" timestamp with time zone NOT NULL,
	"registered_by" text NOT NULL,
	"removed_at" timestamp with time zone,
	"removed_by" text,
	CONSTRAINT "registry_versions_model_version_pk" PRIMARY KEY("model","version")
);
--> statement-breakpoint
ALTER TABLE "fathom"."registry_versions" ADD CONSTRAINT "registry_versions_model_registry_models_name_fk" FOREIGN KEY ("model") REFERENCES "fathom"."registry_models"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "registry_aliases_version" ON "fathom"."registry_aliases" USING btree ("model","version");--> statement-breakpoint
CREATE INDEX "registry_files_sha256" ON "fathom"."registry_files" USING btree ("sha256");--> statement-breakpoint
CREATE INDEX "registry_history_model" ON "fathom"."registry_history" USING btree ("model","sequence");--> statement-breakpoint
CREATE INDEX "registry_history_alias" ON "fathom"."registry_history" USING btree ("model","alias","at","sequence");--> statement-breakpoint
CREATE INDEX "registry_plans_model" ON "fathom"."registry_plans" USING btree ("model","id");--> statement-breakpoint
CREATE UNIQUE INDEX "registry_plans_active" ON "fathom"."registry_plans" USING btree ("model") WHERE status = 'active';--> statement-breakpoint
CREATE INDEX "registry_requests_open" ON "fathom"."registry_requests" USING btree ("model","id") WHERE status = 'open';--> statement-breakpoint
CREATE UNIQUE INDEX "registry_versions_digest" ON "fathom"."registry_versions" USING btree ("model","digest" text_pattern_ops) WHERE removed_at is null;