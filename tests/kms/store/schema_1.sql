BEGIN TRANSACTION;
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
INSERT INTO "kmslab" VALUES(1,1);
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
CREATE TABLE setting (
	name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	version BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "setting" VALUES('clock offset','0',1);
CREATE INDEX key_by_due ON "key" (due, arn);
CREATE INDEX material_by_key ON material ("key", handle);
CREATE INDEX domain_key_by_region ON domain_key (region, id);
CREATE INDEX alias_by_target ON alias (target, arn);
CREATE INDEX event_by_used ON event (used, sequence);
CREATE INDEX event_by_used_too ON event (used_too, sequence);
COMMIT;
