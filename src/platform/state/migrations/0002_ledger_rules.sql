-- What drizzle has no words for: who gives an entry its place in the chain, and that nothing of it changes afterwards.
create function fathom.ledger_hash(
	action text, actor text, payload_digest text, previous text, sealed_digest text, sequence bigint, subject text, entry_time timestamptz
) returns text language sql stable as $$
	-- Canonical JSON (RFC 8785) of the entry with its payload as a digest: names in order, no white space.
	select encode(sha256(convert_to(
		'{"action":' || to_json(action)::text || ',"actor":' || to_json(actor)::text
		|| ',"payloadDigest":"' || payload_digest || '","previous":"' || previous || '"'
		|| coalesce(',"sealedDigest":"' || sealed_digest || '"', '')
		|| ',"sequence":' || sequence || ',"subject":' || to_json(subject)::text
		|| ',"time":"' || to_char(entry_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"}', 'UTF8')), 'hex')
$$;
--> statement-breakpoint
create function fathom.append_to_ledger(
	entry_time timestamptz, entry_actor text, entry_action text, entry_subject text, entry_payload text, entry_key bigint, entry_sealed bytea
) returns table (appended bigint, head text) language plpgsql as $$
declare
	last_sequence bigint;
	last_hash text;
	digest text := encode(sha256(convert_to(entry_payload, 'UTF8')), 'hex');
	sealed_digest text := encode(sha256(entry_sealed), 'hex');
begin
	-- One writer at a time, to the end of its transaction: the chain has no gap when another one is rolled back.
	perform pg_advisory_xact_lock(4682041994);
	select l.sequence, l.hash into last_sequence, last_hash from fathom.ledger l order by l.sequence desc limit 1;
	appended := coalesce(last_sequence, 0) + 1;
	last_hash := coalesce(last_hash, repeat('0', 64));
	head := fathom.ledger_hash(entry_action, entry_actor, digest, last_hash, sealed_digest, appended, entry_subject, entry_time);
	insert into fathom.ledger values (
		appended, entry_time, entry_actor, entry_action, entry_subject, entry_payload, digest, sealed_digest, last_hash, head
	);
	if entry_sealed is not null then
		insert into fathom.ledger_sealed values (appended, entry_key, entry_sealed);
	end if;
	return next;
end $$;
--> statement-breakpoint
create function fathom.refuse_change() returns trigger language plpgsql as $$
begin
	raise exception '% is append-only: % is refused', tg_table_name, lower(tg_op) using errcode = '55000';
end $$;
--> statement-breakpoint
create trigger ledger_append_only before update or delete or truncate on fathom.ledger
	for each statement execute function fathom.refuse_change();
--> statement-breakpoint
create trigger ledger_sealed_append_only before update or delete or truncate on fathom.ledger_sealed
	for each statement execute function fathom.refuse_change();
