CREATE TABLE "fathom"."workers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"host" text NOT NULL,
	"pid" integer NOT NULL,
	"what" text NOT NULL,
	"version" text NOT NULL,
	"concurrency" integer NOT NULL,
	"running" integer NOT NULL,
	"lease_seconds" double precision NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"seen_at" timestamp with time zone NOT NULL
);
