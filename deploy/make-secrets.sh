#!/bin/sh
# Writes the secrets that deploy/compose.yaml reads, once: a password for the database, and its address with that password.
# The folder is closed to other users; the files in it can be read by the containers' user, whoever that is.
set -eu
folder="${1:-$(dirname "$0")/secrets}"
if [ -e "$folder/database-password" ]; then
  echo "$folder: expected no secrets yet, found some; they were left as they are" >&2
  exit 4
fi
umask 077
mkdir -p "$folder"
password="$(node -e 'process.stdout.write(require("node:crypto").randomBytes(24).toString("hex"))')"
printf '%s' "$password" > "$folder/database-password"
printf 'postgres://fathom:%s@database:5432/fathom' "$password" > "$folder/database-url"
chmod 0444 "$folder/database-password" "$folder/database-url"
