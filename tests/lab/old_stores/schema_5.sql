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
INSERT INTO "access_key" VALUES('AKIADI6MQLPMYVRVI7VK','arn:aws:iam::111122223333:root',X'4B9937A8471A87DB8170A8A0EC46E0DD4991DB952845641DFAE7B195645DAA407A1F88BC232B411DC3EDC1126F7EE4F96891C6D88343E4FD80D09AAED42FB76E842A74B7','',NULL,1767614460000000,10);
INSERT INTO "access_key" VALUES('ASIAFHDNM2IS4EESD4LR','arn:aws:sts::111122223333:assumed-role/job/lab',X'84E6946F795B1374581CDBF950DED122BC2C7AEB9BC082118F81DB78885AA0943E1612F2234E8A6A78BC3B82707F123208F8FFDC7CD0EE093B57A7C89BBABA9DD7D3D5E1','4ddf36e0af685f0fb789aa3b431ac70c78e5968136cf2038c496bf0dca9c73c3',1796082365853069,1767614460000000,12);
CREATE TABLE alias (
	arn VARCHAR NOT NULL,
	target VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (arn)
);
INSERT INTO "alias" VALUES('arn:aws:kms:us-east-1:111122223333:alias/orders','arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9',1767614400000000,1767614400000000,3);
INSERT INTO "alias" VALUES('arn:aws:kms:eu-west-1:111122223333:alias/orders','arn:aws:kms:eu-west-1:111122223333:key/0fdaa72a-3924-4b10-8ffe-4a23077127e4',1767614400000000,1767614400000000,5);
CREATE TABLE domain_key (
	id VARCHAR NOT NULL,
	region VARCHAR NOT NULL,
	wrapped BLOB NOT NULL,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "domain_key" VALUES('992e24668f3f697448effb457696d5c4','us-east-1',X'FF0D05FF736FEBFD0F375658ECFAD744955CC3EC78C7E2D5F57B4B2BF34D89A702E7417B25B469FFBF23F8402CD247E8EF123A31E3647F2247BA1E29',1767614400000000,2);
INSERT INTO "domain_key" VALUES('29a79a78b7d5daeece4e67c34f9bbde3','eu-west-1',X'74C7B48389C1640731A7EA2C7D73591C49A67BD30079C92F179091FFDEC82A6DAE702CD12C2CF1FAB04901AF83A1377B5E921B7285DFA389D02E5878',1767614400000000,4);
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
INSERT INTO "event" VALUES(1,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["DescribeKey","arn:aws:iam::111122223333:root","111122223333","b834ae39-a647-49e9-b5df-9d6c1e9b7f47","","",[],{"keyId":"alias/orders"},null,[],{},"NotFoundException","Alias arn:aws:kms:us-east-1:111122223333:alias/orders is not found."]');
INSERT INTO "event" VALUES(2,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","8b0f9123-9b6b-4db6-a413-d8798ed847d5","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":"\u00c4rzte, \uc5f4\uc1e0"},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"4a70e565-407c-490d-994b-f01bae80b1c9","arn":"arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9","creationDate":"Jan 5, 2026, 12:00:00 PM","enabled":true,"description":"\u00c4rzte, \uc5f4\uc1e0","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"c15266e9dc29a10b176bbfb02bf439b2fdc27dad64776052313ba7d83a15780b"}},["arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9"],{},"",""]');
INSERT INTO "event" VALUES(3,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["CreateAlias","arn:aws:iam::111122223333:root","111122223333","7666408e-f133-497f-8255-9d4502d804df","","",[],{"aliasName":"alias/orders","targetKeyId":"arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9"},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9"},["arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9","arn:aws:kms:us-east-1:111122223333:alias/orders"],{},"",""]');
INSERT INTO "event" VALUES(4,1767614400000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","97acd9de-d95f-4ded-afe3-6b8729d77a93","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"order":"17"}},null,["arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9"],{"keyMaterialId":"c15266e9dc29a10b176bbfb02bf439b2fdc27dad64776052313ba7d83a15780b"},"",""]');
INSERT INTO "event" VALUES(5,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'["DescribeKey","arn:aws:iam::111122223333:root","111122223333","f39793f0-d93c-4774-9fa4-47e38d083ff2","","",[],{"keyId":"alias/orders"},null,[],{},"NotFoundException","Alias arn:aws:kms:eu-west-1:111122223333:alias/orders is not found."]');
INSERT INTO "event" VALUES(6,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","bee8cb4d-9f6d-4c03-b547-3abf3b84088e","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":""},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"0fdaa72a-3924-4b10-8ffe-4a23077127e4","arn":"arn:aws:kms:eu-west-1:111122223333:key/0fdaa72a-3924-4b10-8ffe-4a23077127e4","creationDate":"Jan 5, 2026, 12:00:00 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"f89256f952f2a16aec8849030baf6f602bb2d89be181c3e5f5dd2b07b9b032ae"}},["arn:aws:kms:eu-west-1:111122223333:key/0fdaa72a-3924-4b10-8ffe-4a23077127e4"],{},"",""]');
INSERT INTO "event" VALUES(7,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'["CreateAlias","arn:aws:iam::111122223333:root","111122223333","7739b17e-8787-41c3-bb52-c8a572a39db6","","",[],{"aliasName":"alias/orders","targetKeyId":"arn:aws:kms:eu-west-1:111122223333:key/0fdaa72a-3924-4b10-8ffe-4a23077127e4"},{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/0fdaa72a-3924-4b10-8ffe-4a23077127e4"},["arn:aws:kms:eu-west-1:111122223333:key/0fdaa72a-3924-4b10-8ffe-4a23077127e4","arn:aws:kms:eu-west-1:111122223333:alias/orders"],{},"",""]');
INSERT INTO "event" VALUES(8,1767614400000000,'111122223333','eu-west-1','arn:aws:kms:eu-west-1:111122223333:key/0fdaa72a-3924-4b10-8ffe-4a23077127e4',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","2c44644d-b5c5-46fd-b67a-72cb5d55ccd3","","",[],{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/0fdaa72a-3924-4b10-8ffe-4a23077127e4","encryptionAlgorithm":"SYMMETRIC_DEFAULT"},null,["arn:aws:kms:eu-west-1:111122223333:key/0fdaa72a-3924-4b10-8ffe-4a23077127e4"],{"keyMaterialId":"f89256f952f2a16aec8849030baf6f602bb2d89be181c3e5f5dd2b07b9b032ae"},"",""]');
INSERT INTO "event" VALUES(9,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["RotateKeyOnDemand","arn:aws:iam::111122223333:root","111122223333","36a3a896-52ad-4dcd-9ca1-f46f33af8bdd","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9"},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9"},["arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9"],{},"",""]');
INSERT INTO "event" VALUES(10,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["RotateKey","","111122223333","cc513abe-59bf-4f5e-b94b-76bc7cfcfa69","","",[],null,null,["arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9"],{"rotationType":"ON_DEMAND","keyOrigin":"AWS_KMS","previousKeyMaterialId":"c15266e9dc29a10b176bbfb02bf439b2fdc27dad64776052313ba7d83a15780b","currentKeyMaterialId":"f5957b986a6bf37d815ef4ffd9135834b480ccfbc2673ace137b6d1d75a50e6a","keyId":"4a70e565-407c-490d-994b-f01bae80b1c9"},"",""]');
INSERT INTO "event" VALUES(11,1767614460000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","cc7bced5-ca54-4717-93d2-ad456352e2e5","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"order":"17"}},null,["arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9"],{"keyMaterialId":"f5957b986a6bf37d815ef4ffd9135834b480ccfbc2673ace137b6d1d75a50e6a"},"",""]');
INSERT INTO "event" VALUES(12,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","4b123a1f-2c50-4d7e-b21b-51b4fb4596f2","","",[],{"keySpec":"ECC_NIST_P256","keyUsage":"SIGN_VERIFY"},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"4b72611e-3629-4ff1-869b-31759556cff7","arn":"arn:aws:kms:us-east-1:111122223333:key/4b72611e-3629-4ff1-869b-31759556cff7","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"SIGN_VERIFY","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"ECC_NIST_P256","keySpec":"ECC_NIST_P256","signingAlgorithms":["ECDSA_SHA_256"],"multiRegion":false}},["arn:aws:kms:us-east-1:111122223333:key/4b72611e-3629-4ff1-869b-31759556cff7"],{},"",""]');
INSERT INTO "event" VALUES(13,1767614460000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/4b72611e-3629-4ff1-869b-31759556cff7',NULL,'["Sign","arn:aws:iam::111122223333:root","111122223333","4d901756-39f0-403b-86a9-ce0b8dbed1be","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/4b72611e-3629-4ff1-869b-31759556cff7","signingAlgorithm":"ECDSA_SHA_256"},null,["arn:aws:kms:us-east-1:111122223333:key/4b72611e-3629-4ff1-869b-31759556cff7"],{},"",""]');
INSERT INTO "event" VALUES(14,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateGrant","arn:aws:iam::111122223333:root","111122223333","854ef811-db38-465b-a657-83d53e4d1be6","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9","granteePrincipal":"arn:aws:iam::111122223333:user/alice","operations":["Decrypt"]},{"grantId":"f1f6a626971e78d71189c9b87f9bc2af3f28f64c8d9332c2f11dcd4441949a3a"},["arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9"],{},"",""]');
INSERT INTO "event" VALUES(15,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","d2ef4acb-cef0-4ea0-9aa3-aeac705f8090","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":""},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"465dc785-4196-40e9-ba10-cdb19794e899","arn":"arn:aws:kms:us-east-1:111122223333:key/465dc785-4196-40e9-ba10-cdb19794e899","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"bfde30b5fd19e5e15d87a63dac97d89bdc8b5a3e7a4d315c38625bc3b752f8ea"}},["arn:aws:kms:us-east-1:111122223333:key/465dc785-4196-40e9-ba10-cdb19794e899"],{},"",""]');
INSERT INTO "event" VALUES(16,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["ScheduleKeyDeletion","arn:aws:iam::111122223333:root","111122223333","3a6b4db3-5b44-473d-84c2-7609e1154df8","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/465dc785-4196-40e9-ba10-cdb19794e899","pendingWindowInDays":7},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/465dc785-4196-40e9-ba10-cdb19794e899","pendingWindowInDays":7,"deletionDate":"Jan 12, 2026, 12:01:00 PM","keyState":"PendingDeletion"},["arn:aws:kms:us-east-1:111122223333:key/465dc785-4196-40e9-ba10-cdb19794e899"],{},"",""]');
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
INSERT INTO "grant" VALUES('arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9/f1f6a626971e78d71189c9b87f9bc2af3f28f64c8d9332c2f11dcd4441949a3a','arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9','arn:aws:iam::111122223333:user/alice','','["Decrypt"]','{}','','','arn:aws:iam::111122223333:root',1767614460000000,14);
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
	lacks_material BOOLEAN NOT NULL,
	expires BIGINT,
	pending_expires BIGINT,
	primary_arn VARCHAR NOT NULL,
	ready BIGINT,
	deletion_days BIGINT NOT NULL,
	store VARCHAR NOT NULL,
	external_key VARCHAR NOT NULL,
	due BIGINT,
	version BIGINT NOT NULL,
	PRIMARY KEY (arn)
);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','Enabled',1767614400000000,'Ärzte, 열쇠','{
  "Version": "2012-10-17",
  "Id": "key-default-1",
  "Statement": [
    {
      "Sid": "Enable IAM User Permissions",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111122223333:root"
      },
      "Action": "kms:*",
      "Resource": "*"
    }
  ]
}','f5957b986a6bf37d815ef4ffd9135834b480ccfbc2673ace137b6d1d75a50e6a','CUSTOMER','{}',NULL,0,NULL,NULL,1,0,NULL,NULL,'',NULL,0,'','',NULL,6);
INSERT INTO "key" VALUES('arn:aws:kms:eu-west-1:111122223333:key/0fdaa72a-3924-4b10-8ffe-4a23077127e4','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','Enabled',1767614400000000,'','{
  "Version": "2012-10-17",
  "Id": "key-default-1",
  "Statement": [
    {
      "Sid": "Enable IAM User Permissions",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111122223333:root"
      },
      "Action": "kms:*",
      "Resource": "*"
    }
  ]
}','f89256f952f2a16aec8849030baf6f602bb2d89be181c3e5f5dd2b07b9b032ae','CUSTOMER','{}',NULL,0,NULL,NULL,0,0,NULL,NULL,'',NULL,0,'','',NULL,5);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/4b72611e-3629-4ff1-869b-31759556cff7','ECC_NIST_P256','SIGN_VERIFY','AWS_KMS','Enabled',1767614460000000,'','{
  "Version": "2012-10-17",
  "Id": "key-default-1",
  "Statement": [
    {
      "Sid": "Enable IAM User Permissions",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111122223333:root"
      },
      "Action": "kms:*",
      "Resource": "*"
    }
  ]
}','0fb5ac6939399fc2646c9b140b9e41911a5466f782f9cba1b5399e7f9688790e','CUSTOMER','{}',NULL,0,NULL,NULL,0,0,NULL,NULL,'',NULL,0,'','',NULL,9);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/465dc785-4196-40e9-ba10-cdb19794e899','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','PendingDeletion',1767614460000000,'','{
  "Version": "2012-10-17",
  "Id": "key-default-1",
  "Statement": [
    {
      "Sid": "Enable IAM User Permissions",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111122223333:root"
      },
      "Action": "kms:*",
      "Resource": "*"
    }
  ]
}','bfde30b5fd19e5e15d87a63dac97d89bdc8b5a3e7a4d315c38625bc3b752f8ea','CUSTOMER','{}',1768219260000000,0,NULL,NULL,0,0,NULL,NULL,'',NULL,0,'','',1768219260000000,16);
CREATE TABLE key_store (
	handle VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	type VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	outcome VARCHAR NOT NULL,
	ready BIGINT,
	error VARCHAR NOT NULL,
	cluster VARCHAR NOT NULL,
	trust_anchor VARCHAR NOT NULL,
	endpoint VARCHAR NOT NULL,
	path VARCHAR NOT NULL,
	connectivity VARCHAR NOT NULL,
	vpc_service VARCHAR NOT NULL,
	vpc_owner VARCHAR NOT NULL,
	access_key VARCHAR NOT NULL,
	sealed BLOB NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (handle)
);
CREATE TABLE kmslab (
	schema INTEGER,
	changes BIGINT
);
INSERT INTO "kmslab" VALUES(5,17);
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
	imported BOOLEAN NOT NULL,
	expires BIGINT,
	description VARCHAR NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (handle)
);
INSERT INTO "material" VALUES('us-east-1/c15266e9dc29a10b176bbfb02bf439b2fdc27dad64776052313ba7d83a15780b','arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9','SYMMETRIC_DEFAULT','992e24668f3f697448effb457696d5c4',X'3265BA29E4081C8A8FB2E299CB384592CB7F55B7E96BB83DC386BD33A59BE473981AD098990193FD513A9FBEDA0B19A5DA15710B3184DC4D169E5096',X'',0,1767614400000000,'',0,NULL,'',2);
INSERT INTO "material" VALUES('eu-west-1/f89256f952f2a16aec8849030baf6f602bb2d89be181c3e5f5dd2b07b9b032ae','arn:aws:kms:eu-west-1:111122223333:key/0fdaa72a-3924-4b10-8ffe-4a23077127e4','SYMMETRIC_DEFAULT','29a79a78b7d5daeece4e67c34f9bbde3',X'19600A82655B9A60F4480C2EC8374B8EDCFFBC1E115F6024F9D3187E0626E667698B175692449810AA24DD0245380718068136FC34BEAF7D11396B7E',X'',0,1767614400000000,'',0,NULL,'',4);
INSERT INTO "material" VALUES('us-east-1/f5957b986a6bf37d815ef4ffd9135834b480ccfbc2673ace137b6d1d75a50e6a','arn:aws:kms:us-east-1:111122223333:key/4a70e565-407c-490d-994b-f01bae80b1c9','SYMMETRIC_DEFAULT','992e24668f3f697448effb457696d5c4',X'734A4B1C68D39BEC932C2BA76D7395965F235265CC03C746ECA6555DEE34798C43FDB78FA7FC3561F30875CA16BD95C83BABD515EF2C15D672294593',X'',1,1767614400000000,'ON_DEMAND',0,NULL,'',8);
INSERT INTO "material" VALUES('us-east-1/0fb5ac6939399fc2646c9b140b9e41911a5466f782f9cba1b5399e7f9688790e','arn:aws:kms:us-east-1:111122223333:key/4b72611e-3629-4ff1-869b-31759556cff7','ECC_NIST_P256','992e24668f3f697448effb457696d5c4',X'DB4C18E527E79BFE5857062FE226CDE9C1B846285D30D9C2CB8D0C4800CDF7292EC17D64B3DEA2C0D63326369661A56D233AB8169ACB5DDB8EDEFD6B5CADC7FA5A3CF480646A41FB74CB33C5488324EAD1C202D0751B2318EE9850C896330001331F2D2852B3E5138BA190B45BC5599AEBE689039AF238F570766CE58D75C9C81A54562F701F44A11F51E00F081AEFBB8EB8A81F0139222F5351FC2ED75B877BF931FBC0464C',X'3059301306072A8648CE3D020106082A8648CE3D0301070342000403497839623BF1CB5C56840231E0E04B2242EDBA83BDE6CCB170776ADC4018687E9B418480AB61A31F837447E750F5E7E68C97696B9FED96438C7B62FD8818D9',0,1767614460000000,'',0,NULL,'',9);
INSERT INTO "material" VALUES('us-east-1/bfde30b5fd19e5e15d87a63dac97d89bdc8b5a3e7a4d315c38625bc3b752f8ea','arn:aws:kms:us-east-1:111122223333:key/465dc785-4196-40e9-ba10-cdb19794e899','SYMMETRIC_DEFAULT','992e24668f3f697448effb457696d5c4',X'D960E15F05981F7D33C3A2EE3D2CD03B82F11B3FF5726DF4C78BA702CA4B95C7F4CE736E7BB07418AB25688E6D7F963526AA13C1F387313EB9818C27',X'',0,1767614460000000,'',0,NULL,'',15);
CREATE TABLE principal (
	arn VARCHAR NOT NULL,
	path VARCHAR NOT NULL,
	policy VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (arn)
);
INSERT INTO "principal" VALUES('arn:aws:iam::111122223333:role/job','','',1767614460000000,11);
INSERT INTO "principal" VALUES('arn:aws:iam::111122223333:user/alice','','',1767614460000000,13);
CREATE TABLE setting (
	name VARCHAR NOT NULL,
	value VARCHAR NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (name)
);
INSERT INTO "setting" VALUES('clock offset','60000000',2);
INSERT INTO "setting" VALUES('attestation root','QETS4BMeReBXJyWaJPPiLT6omqOv4gtZtEw7CawOXyQVrUwb2r37JLXH8bi4ghHtEAtJ3+PVvxdx4hTsAE/9kXRhvYJu6nGUVrU31lucfJ240FQZX1soM+nuReOyfyQPvvvZqvsqHDeMggUQhwPGN9VIdk2GG6mWQBOfNxXygvU1Qf5xYQ8+lYvn++JAKqStySOc+CGHYuvrQF6Tq/Iq/BFl4vGl4VwzmRGupdSEgoG45paD9/zsEMDYTmQbQqW/J8McO0lJ28HHzXzOqGqjeULkVbHt4IkweNrQVihp9Cb3ZWERMCd5zWVdr4o0wEJB8+tWi+uHAMhO9tcA8mvSH/Hy/Eb0wS2PZf/VLNfjBmvAbRNfG2IcUnzlig9QnRQiueFoOOMMcnfKKDLumXHwI1kmglzrIMhqXiWOz60i+jcQ45bVmss6y+6rQ48fVvZ9jNSK+GHYcF/Btp8m3muYC9SLWbMEx0GbNQac3inhk3B3PoHIdyQfCDOu5FqvAYjMEcnU02dvsjNJnEDME/FTEGRu9blVaxqIIzeEJkIXUTFCIGUot+B/XUl9Cu22znEQNM8ZCdKDKiVZU+692MlAEpPBRq5HYo2mLtvhxsZtKFQbRF+uz+jQkUejSqgIHCwy7t+/MCTWsk8sPITmeW33vWIuls15uJlal1nC5buSpQ/YN6y6Sgup2XaPgehB86HS64FHPVeQpxYrzwwaGA+4MVRBn+4Q93TbSzoKnYyMmRyjIapo9QgSzMAd2s5En3SkRC7B22rJgDgOLLQlFOAQPDveDrHQigOvtrCUp7G6Qp752f7VN2eJoS/4Tq2T2Zj/F6BB5Rmcbz9kCQ8f10qjatC0hRirEwEt0dGhtiLIlgRewITOdT/6Bt1kzsMsIUhrmVwN9S+U8GSYh3/zH+PnRrJxqLcluRR+i/DhbyTQJCi/wFV69HKtzXPWw1R0VvyTth0fqtcSg8fv2rNkeDMx8gbi+x/b0cBASJ9pze8qUgx2gfLKAp7ueaul/1/2NieYYiNhPsKT0H/8Fcx4aU/HyFUKo5Goep6GIWnk65xLdAbQittvcubS+3RoYvDBvgtc9mzj0+kMc10jfH0nijFxZpE/w9KvnLVAQJzMSBX/Ufjd4ryY2KvyXUapg+KpzxtgLVesoO+qCO7XPdUV8QxiXvMXhC8/puCTREEfNA/UvOmLHaLq+Y6f324QjDm0r+jp4N6IaN1PrhF2I8KCT0pY2NvataJTRYogszQ0UOQS4xeCTDEyDvocaZjn8gcXe7ZpN5M0QDf4y3PxB/lZVX9zAiXQ1uaQeLQqK/iq0TSR6YgkggH7DDqdfFXpK0yCD7rmdozdrVqrUa7ODPAaCYuffQwyj5pvyqkLeJPI8fWiB6sZ669tYV5B4Ssv+Dc8EBDgOoAPY5aTfA3iq5SlzmFa',17);
CREATE INDEX key_by_store_and_external_key ON "key" (store, external_key, arn);
CREATE INDEX key_by_primary_arn ON "key" (primary_arn, arn);
CREATE INDEX key_by_due ON "key" (due, arn);
CREATE INDEX material_by_key ON material ("key", handle);
CREATE INDEX domain_key_by_region ON domain_key (region, id);
CREATE INDEX alias_by_target ON alias (target, arn);
CREATE INDEX access_key_by_principal ON access_key (principal, id);
CREATE INDEX grant_by_key_and_grantee ON grant ("key", grantee, handle);
CREATE INDEX grant_by_retiring ON grant (retiring, handle);
CREATE INDEX key_store_by_type ON key_store (type, handle);
CREATE INDEX event_by_used ON event (used, sequence);
CREATE INDEX event_by_used_too ON event (used_too, sequence) WHERE used_too IS NOT NULL;
COMMIT;
