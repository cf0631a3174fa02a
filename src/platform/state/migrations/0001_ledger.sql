CREATE TABLE "fathom"."ledger" (
	"sequence" bigint PRIMARY KEY NOT NULL,
	"time" timestamp (3) with time zone NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"subject" text NOT NULL,
	"payload" text NOT NULL,
	"payload_digest" text NOT NULL,
	"sealed_digest" text,
	"previous" text NOT NULL,
	"hash" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fathom"."ledger_sealed" (
	"sequence" bigint PRIMARY KEY NOT NULL,
	"key_id" bigint NOT NULL,
	"sealed" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fathom"."personal_keys" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"person" text NOT NULL,
	"key" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE INDEX "ledger_action" ON "fathom"."ledger" USING btree ("action","sequence");--> statement-breakpoint
CREATE INDEX "ledger_subject" ON "fathom"."ledger" USING btree ("subject","sequence");--> statement-breakpoint
CREATE INDEX "personal_keys_person" ON "fathom"."personal_keys" USING btree ("person");