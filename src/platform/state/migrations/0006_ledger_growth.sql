CREATE INDEX "ledger_subject_action" ON "fathom"."ledger" USING btree ("subject","action","sequence");--> statement-breakpoint
CREATE INDEX "ledger_sealed_key" ON "fathom"."ledger_sealed" USING btree ("key_id");--> statement-breakpoint
-- A session plans the statements of a function once. Planned while the ledger was small, the look-up of its last entry would read
-- all of it for each new one, until the planner hears that it has grown.
alter function fathom.append_to_ledger(timestamptz, text, text, text, text, bigint, bytea) set enable_seqscan = off;
