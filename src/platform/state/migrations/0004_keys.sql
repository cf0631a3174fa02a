CREATE TABLE "fathom"."api_keys" (
	"prefix" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"actor" text NOT NULL,
	"hash" text NOT NULL,
	"scopes" jsonb NOT NULL,
	"requests_per_second" double precision,
	"created_at" timestamp with time zone NOT NULL,
	"created_by" text NOT NULL,
	"expires_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	"last_used_at" timestamp with time zone,
	"replaced_by" text
);
--> statement-breakpoint
CREATE INDEX "api_keys_created_at" ON "fathom"."api_keys" USING btree ("created_at");