CREATE TABLE "fathom"."registry_drift_checks" (
	"model" text NOT NULL,
	"version" integer NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"by" text NOT NULL,
	"from_date" text NOT NULL,
	"to_date" text NOT NULL,
	"drifted" boolean NOT NULL,
	"features" jsonb NOT NULL,
	CONSTRAINT "registry_drift_checks_model_version_pk" PRIMARY KEY("model","version")
);
--> statement-breakpoint
CREATE INDEX "registry_drift_checks_at" ON "fathom"."registry_drift_checks" USING btree ("at");