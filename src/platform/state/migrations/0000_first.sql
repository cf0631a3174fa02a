CREATE SCHEMA IF NOT EXISTS "fathom";
--> statement-breakpoint
CREATE TABLE "fathom"."installation" (
	"name" text PRIMARY KEY NOT NULL,
	"value" jsonb NOT NULL,
	"updated_at" timestamp with time zone NOT NULL
);
