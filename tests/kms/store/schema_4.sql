BEGIN TRANSACTION;
CREATE TABLE access_key (
	id VARCHAR NOT NULL,
	principal VARCHAR NOT NULL,
	sealed BLOB NOT NULL,
	token VARCHAR NOT NULL,
	expires BIGINT,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE alias (
	arn VARCHAR NOT NULL,
	target VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (arn)
);
CREATE TABLE domain_key (
	id VARCHAR NOT NULL,
	region VARCHAR NOT NULL,
	wrapped BLOB NOT NULL,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE event (
	sequence INTEGER NOT NULL,
	time BIGINT NOT NULL,
	account VARCHAR NOT NULL,
	region VARCHAR NOT NULL,
	used VARCHAR,
	used_too VARCHAR,
	known VARCHAR NOT NULL,
	PRIMARY KEY (sequence)
);
CREATE TABLE grant (
	handle VARCHAR NOT NULL,
	"key" VARCHAR NOT NULL,
	grantee VARCHAR NOT NULL,
	retiring VARCHAR NOT NULL,
	operations VARCHAR NOT NULL,
	constraints VARCHAR NOT NULL,
	source_arn VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	issuer VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (handle)
);
CREATE TABLE "key" (
	arn VARCHAR NOT NULL,
	spec VARCHAR NOT NULL,
	usage VARCHAR NOT NULL,
	origin VARCHAR NOT NULL,
	state VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	description VARCHAR NOT NULL,
	policy VARCHAR NOT NULL,
	material VARCHAR NOT NULL,
	manager VARCHAR NOT NULL,
	tags VARCHAR NOT NULL,
	deletion_date BIGINT,
	rotation_days BIGINT NOT NULL,
	next_rotation BIGINT,
	rotate_at BIGINT,
	rotations_on_demand BIGINT NOT NULL,
	due BIGINT,
	version BIGINT NOT NULL,
	PRIMARY KEY (arn)
);
CREATE TABLE kmslab (
	schema INTEGER,
	changes BIGINT
);
INSERT INTO "kmslab" VALUES(4,0);
CREATE TABLE material (
	handle VARCHAR NOT NULL,
	"key" VARCHAR NOT NULL,
	spec VARCHAR NOT NULL,
	domain VARCHAR NOT NULL,
	sealed BLOB NOT NULL,
	public BLOB NOT NULL,
	number BIGINT NOT NULL,
	created BIGINT NOT NULL,
	rotation VARCHAR NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (handle)
);
CREATE TABLE principal (
	arn VARCHAR NOT NULL,
	path VARCHAR NOT NULL,
	policy VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (arn)
);
CREATE TABLE setting (
	name VARCHAR NOT NULL,
	value VARCHAR NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (name)
);
CREATE INDEX key_by_due ON "key" (due, arn);
CREATE INDEX material_by_key ON material ("key", handle);
CREATE INDEX domain_key_by_region ON domain_key (region, id);
CREATE INDEX alias_by_target ON alias (target, arn);
CREATE INDEX access_key_by_principal ON access_key (principal, id);
CREATE INDEX grant_by_key_and_grantee ON grant ("key", grantee, handle);
CREATE INDEX grant_by_retiring ON grant (retiring, handle);
CREATE INDEX event_by_used_too ON event (used_too, sequence) WHERE used_too IS NOT NULL;
CREATE INDEX event_by_used ON event (used, sequence);
COMMIT;
