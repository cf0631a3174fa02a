CREATE TABLE "fathom"."job_events" (
	"job" uuid NOT NULL,
	"sequence" integer NOT NULL,
	"time" timestamp with time zone DEFAULT now() NOT NULL,
	"type" text NOT NULL,
	"data" json NOT NULL,
	CONSTRAINT "job_events_job_sequence_pk" PRIMARY KEY("job","sequence")
);
--> statement-breakpoint
CREATE TABLE "fathom"."job_schedules" (
	"name" text PRIMARY KEY NOT NULL,
	"capability" text NOT NULL,
	"input" json NOT NULL,
	"cron" text NOT NULL,
	"time_zone" text NOT NULL,
	"actor" text NOT NULL,
	"working_folder" text,
	"next_at" timestamp with time zone NOT NULL,
	"last_job" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fathom"."jobs" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"capability" text NOT NULL,
	"input" json NOT NULL,
	"status" text DEFAULT 'queued' NOT NULL,
	"actor" text NOT NULL,
	"working_folder" text,
	"idempotency_key" text,
	"priority" integer DEFAULT 0 NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"attempts" integer DEFAULT 3 NOT NULL,
	"is_dead_letter" boolean DEFAULT false NOT NULL,
	"retry_delay_seconds" double precision DEFAULT 5 NOT NULL,
	"timeout_seconds" double precision,
	"parent" uuid,
	"place" integer,
	"worker" text,
	"lease_until" timestamp with time zone,
	"cancel_requested" boolean DEFAULT false NOT NULL,
	"progress" json,
	"output" json,
	"failure" json,
	"events" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"run_after" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "fathom"."job_events" ADD CONSTRAINT "job_events_job_jobs_id_fk" FOREIGN KEY ("job") REFERENCES "fathom"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "fathom"."jobs" ADD CONSTRAINT "jobs_parent_jobs_id_fk" FOREIGN KEY ("parent") REFERENCES "fathom"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "job_schedules_next" ON "fathom"."job_schedules" USING btree ("next_at");--> statement-breakpoint
CREATE UNIQUE INDEX "jobs_key" ON "fathom"."jobs" USING btree ("actor","idempotency_key") WHERE idempotency_key is not null;--> statement-breakpoint
CREATE INDEX "jobs_created" ON "fathom"."jobs" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "jobs_status" ON "fathom"."jobs" USING btree ("status","created_at","id");--> statement-breakpoint
CREATE INDEX "jobs_capability" ON "fathom"."jobs" USING btree ("capability","created_at","id");--> statement-breakpoint
CREATE INDEX "jobs_parent" ON "fathom"."jobs" USING btree ("parent","place") WHERE parent is not null;--> statement-breakpoint
CREATE INDEX "jobs_lease" ON "fathom"."jobs" USING btree ("lease_until") WHERE status = 'running';--> statement-breakpoint
CREATE INDEX "jobs_dead" ON "fathom"."jobs" USING btree ("created_at","id") WHERE is_dead_letter;--> statement-breakpoint
CREATE INDEX "jobs_ended" ON "fathom"."jobs" USING btree ("ended_at") WHERE ended_at is not null;