/**
 * The steps that bring a database from one schema to the next; `user_version` is how many were
 * taken. Records are the truth; object, attribute, client and key_group are their projection.
 */
export const schema: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
  CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    node TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
    lamport INTEGER NOT NULL, object TEXT NOT NULL,
    body BLOB NOT NULL, hash BLOB NOT NULL, signature BLOB NOT NULL,
    UNIQUE (epoch, seq)
  ) STRICT;
  CREATE TABLE head (
    epoch TEXT PRIMARY KEY, node TEXT NOT NULL, seq INTEGER NOT NULL,
    lamport INTEGER NOT NULL, hash BLOB NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX record_of_object ON record (object);
  CREATE TABLE material (
    object TEXT PRIMARY KEY, commitment BLOB NOT NULL, sealed BLOB NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE object (
    id INTEGER PRIMARY KEY,
    identifier TEXT NOT NULL UNIQUE, key_group TEXT NOT NULL, type INTEGER NOT NULL,
    algorithm INTEGER NOT NULL, length INTEGER NOT NULL, usage_mask INTEGER NOT NULL,
    initial_date INTEGER NOT NULL, last_change_date INTEGER NOT NULL,
    activation_date INTEGER, deactivation_date INTEGER, compromise_date INTEGER,
    compromise_occurrence_date INTEGER, destroy_date INTEGER,
    compromised INTEGER NOT NULL, destroyed INTEGER NOT NULL,
    revocation TEXT, commitment BLOB, form BLOB NOT NULL
  ) STRICT;
  CREATE INDEX object_of_group ON object (key_group, id);
  CREATE TABLE attribute (
    object TEXT NOT NULL, name TEXT NOT NULL, ordinal INTEGER NOT NULL,
    instance TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (object, name, ordinal)
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX attribute_by_value ON attribute (name, value, object);
  CREATE TABLE client (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, key_group TEXT NOT NULL,
    fingerprint TEXT NOT NULL, state TEXT NOT NULL, certificate TEXT NOT NULL,
    added INTEGER NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX client_by_fingerprint ON client (fingerprint);
  CREATE TABLE key_group (name TEXT PRIMARY KEY) WITHOUT ROWID, STRICT;
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, entry TEXT NOT NULL, hash BLOB NOT NULL
  ) STRICT;
  `,
  // Many nodes: whose records are taken, which of them others hold, what does not fit together.
  `
  ALTER TABLE record ADD COLUMN kind TEXT NOT NULL DEFAULT '';
  UPDATE record SET kind = json_extract(CAST(body AS TEXT), '$[8]');
  CREATE INDEX record_of_kind ON record (kind, id);
  CREATE TABLE anchor (
    node TEXT PRIMARY KEY, record_key TEXT NOT NULL, reason TEXT NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE fork (
    hash BLOB PRIMARY KEY, node TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
    object TEXT NOT NULL, body BLOB NOT NULL, signature BLOB NOT NULL, seen INTEGER NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE receipt (
    holder TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL,
    PRIMARY KEY (holder, epoch)
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE lacking (object TEXT PRIMARY KEY) WITHOUT ROWID, STRICT;
  ALTER TABLE object ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
  ALTER TABLE object ADD COLUMN conflicts TEXT;
  ALTER TABLE client ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
  CREATE TABLE material_of_record (
    object TEXT NOT NULL, commitment BLOB NOT NULL, sealed BLOB NOT NULL,
    PRIMARY KEY (object, commitment)
  ) WITHOUT ROWID, STRICT;
  INSERT INTO material_of_record SELECT object, commitment, sealed FROM material;
  DROP TABLE material;
  ALTER TABLE material_of_record RENAME TO material;
  `,
  // Own records that stood elsewhere in another form, and were said again.
  `ALTER TABLE fork ADD COLUMN healed INTEGER NOT NULL DEFAULT 0;`,
  // What an Activate or a Revoke said holds without a clock; intents to destroy, and their end.
  `
  ALTER TABLE object ADD COLUMN activated INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE object ADD COLUMN deactivated INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE object ADD COLUMN purged INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE object ADD COLUMN intents TEXT;
  CREATE INDEX object_intended ON object (identifier) WHERE intents IS NOT NULL AND purged = 0;
  CREATE TABLE kept (
    intent TEXT PRIMARY KEY, object TEXT NOT NULL, noticed INTEGER NOT NULL, run INTEGER NOT NULL
  ) WITHOUT ROWID, STRICT;
  `,
  // How long destroyed objects were kept, found by the object when it is purged.
  `CREATE INDEX kept_of_object ON kept (object);`,
  // Conflicts are found without reading every object; Names that two objects may bear.
  `
  CREATE INDEX object_conflicting ON object (identifier) WHERE conflicts IS NOT NULL;
  CREATE TABLE twin_name (
    key_group TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (key_group, value)
  ) WITHOUT ROWID, STRICT;
  `,
  // Places whose records are not what their nodes signed, or are gone: to be had from elsewhere.
  `
  CREATE TABLE unsound (
    epoch TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (epoch, seq)
  ) WITHOUT ROWID, STRICT;
  `,
  // When an object was fetched last: a hint, no part of the fold.
  `
  CREATE TABLE fetched (
    object TEXT PRIMARY KEY, time INTEGER NOT NULL, client TEXT NOT NULL,
    own INTEGER NOT NULL, change INTEGER NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX fetched_by_change ON fetched (change);
  `,
];
