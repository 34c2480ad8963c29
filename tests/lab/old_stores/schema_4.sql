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
INSERT INTO "access_key" VALUES('AKIA6DKHV6XCYJNB2C2P','arn:aws:iam::111122223333:root',X'6C0C19FD897F5FE01EA095FD2B9844114FFF422250B2CB1D663B0F42C9C5BEF2B4196E67409F58D2AA53CB96442B536A8532CB63B846D7CB2F0424E0AFF33415B5B515EA','',NULL,1767614460000000,10);
INSERT INTO "access_key" VALUES('ASIAAJNGZ6KQH3WS75YW','arn:aws:sts::111122223333:assumed-role/job/lab',X'5CA2A29D1CFC7D367383658392C1C5892F4C251245C827A0D322949D79C044C4270BFEEF11B3AF69D37452B5727C3988A17DE4C430C2304B3CECF266CA0A150258DC6DC3','e9ea8020c6ecff956e2f6466bd9f67ccc85353fc467b4a9e8ac44393d0d61921',1796082365383159,1767614460000000,12);
CREATE TABLE alias (
	arn VARCHAR NOT NULL,
	target VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (arn)
);
INSERT INTO "alias" VALUES('arn:aws:kms:us-east-1:111122223333:alias/orders','arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236',1767614400000000,1767614400000000,3);
INSERT INTO "alias" VALUES('arn:aws:kms:eu-west-1:111122223333:alias/orders','arn:aws:kms:eu-west-1:111122223333:key/8062739d-c2f1-451f-9743-b9fec1810d8b',1767614400000000,1767614400000000,5);
CREATE TABLE domain_key (
	id VARCHAR NOT NULL,
	region VARCHAR NOT NULL,
	wrapped BLOB NOT NULL,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "domain_key" VALUES('bf9fffbc80d6d4b896d493992163422b','us-east-1',X'F7503F67D1124240856D5337EAF7264A02413984060FFAC4ED2C932036C64E9FBBC8D7122F5592402A9F1BEE1B7A3DB75B18609EF101DB295138CA89',1767614400000000,2);
INSERT INTO "domain_key" VALUES('d1753e50be09ead6b38dd6401b0bd1a3','eu-west-1',X'9C2F21624AE02442185B3E2911352B4D1391402D2C1404FF9A9DF1C3F9CA31F69FBFC3B044D0A54166D20CDDB38D2783F3F943D9458AEA523D3A3A74',1767614400000000,4);
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
INSERT INTO "event" VALUES(1,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["DescribeKey","arn:aws:iam::111122223333:root","111122223333","d8b9d0e9-3b9f-40a0-9755-cb8206eccfc5","","",[],{"keyId":"alias/orders"},null,[],{},"NotFoundException","Alias arn:aws:kms:us-east-1:111122223333:alias/orders is not found."]');
INSERT INTO "event" VALUES(2,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","b0d4dfff-8640-4fcf-866f-509a576b4633","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":"\u00c4rzte, \uc5f4\uc1e0"},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"1a3b654f-77c7-4ff7-bdb8-fcb8f005e236","arn":"arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236","creationDate":"Jan 5, 2026, 12:00:00 PM","enabled":true,"description":"\u00c4rzte, \uc5f4\uc1e0","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"8422050d3484f380e428060aed0902fb1d49c975991c22c5f8bbea6fed8dbf98"}},["arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236"],{},"",""]');
INSERT INTO "event" VALUES(3,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["CreateAlias","arn:aws:iam::111122223333:root","111122223333","8a17ac63-67ce-4d5f-a76b-e8a4f31ac90b","","",[],{"aliasName":"alias/orders","targetKeyId":"arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236"},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236"},["arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236","arn:aws:kms:us-east-1:111122223333:alias/orders"],{},"",""]');
INSERT INTO "event" VALUES(4,1767614400000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","8c2f858f-e3de-4cab-b48b-f39c31f7f77b","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"order":"17"}},null,["arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236"],{"keyMaterialId":"8422050d3484f380e428060aed0902fb1d49c975991c22c5f8bbea6fed8dbf98"},"",""]');
INSERT INTO "event" VALUES(5,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'["DescribeKey","arn:aws:iam::111122223333:root","111122223333","ddbee7d3-1014-4875-8cec-1f56a50434da","","",[],{"keyId":"alias/orders"},null,[],{},"NotFoundException","Alias arn:aws:kms:eu-west-1:111122223333:alias/orders is not found."]');
INSERT INTO "event" VALUES(6,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","653ddf6f-2b09-49a0-97d9-944c09976845","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":""},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"8062739d-c2f1-451f-9743-b9fec1810d8b","arn":"arn:aws:kms:eu-west-1:111122223333:key/8062739d-c2f1-451f-9743-b9fec1810d8b","creationDate":"Jan 5, 2026, 12:00:00 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"60798de817e058361137e69a1cf512c048e01c83bce6af3669f3ed240e6d4632"}},["arn:aws:kms:eu-west-1:111122223333:key/8062739d-c2f1-451f-9743-b9fec1810d8b"],{},"",""]');
INSERT INTO "event" VALUES(7,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'["CreateAlias","arn:aws:iam::111122223333:root","111122223333","bb0938f4-b831-4c28-8348-3cca1ced5b69","","",[],{"aliasName":"alias/orders","targetKeyId":"arn:aws:kms:eu-west-1:111122223333:key/8062739d-c2f1-451f-9743-b9fec1810d8b"},{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/8062739d-c2f1-451f-9743-b9fec1810d8b"},["arn:aws:kms:eu-west-1:111122223333:key/8062739d-c2f1-451f-9743-b9fec1810d8b","arn:aws:kms:eu-west-1:111122223333:alias/orders"],{},"",""]');
INSERT INTO "event" VALUES(8,1767614400000000,'111122223333','eu-west-1','arn:aws:kms:eu-west-1:111122223333:key/8062739d-c2f1-451f-9743-b9fec1810d8b',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","c3b01e7b-4b5c-45c0-a2cf-edb09de65ae7","","",[],{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/8062739d-c2f1-451f-9743-b9fec1810d8b","encryptionAlgorithm":"SYMMETRIC_DEFAULT"},null,["arn:aws:kms:eu-west-1:111122223333:key/8062739d-c2f1-451f-9743-b9fec1810d8b"],{"keyMaterialId":"60798de817e058361137e69a1cf512c048e01c83bce6af3669f3ed240e6d4632"},"",""]');
INSERT INTO "event" VALUES(9,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["RotateKeyOnDemand","arn:aws:iam::111122223333:root","111122223333","907ba369-9b68-44bb-9783-9a4de1e1aaad","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236"},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236"},["arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236"],{},"",""]');
INSERT INTO "event" VALUES(10,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["RotateKey","","111122223333","513acd43-c220-4c94-998c-35deda623974","","",[],null,null,["arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236"],{"rotationType":"ON_DEMAND","keyOrigin":"AWS_KMS","previousKeyMaterialId":"8422050d3484f380e428060aed0902fb1d49c975991c22c5f8bbea6fed8dbf98","currentKeyMaterialId":"9a60c7e433a1dc292a65546b103edacb8368168aad484e9da91f6660a2bdf3e9","keyId":"1a3b654f-77c7-4ff7-bdb8-fcb8f005e236"},"",""]');
INSERT INTO "event" VALUES(11,1767614460000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","ef3915a5-31a6-4e48-8391-e3cd0f1ef8c8","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"order":"17"}},null,["arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236"],{"keyMaterialId":"9a60c7e433a1dc292a65546b103edacb8368168aad484e9da91f6660a2bdf3e9"},"",""]');
INSERT INTO "event" VALUES(12,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","a094b157-7437-44e8-9ccd-c8fc1c7961ae","","",[],{"keySpec":"ECC_NIST_P256","keyUsage":"SIGN_VERIFY"},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"fe651e76-b89b-4abc-88a9-d7a71bce1dce","arn":"arn:aws:kms:us-east-1:111122223333:key/fe651e76-b89b-4abc-88a9-d7a71bce1dce","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"SIGN_VERIFY","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"ECC_NIST_P256","keySpec":"ECC_NIST_P256","signingAlgorithms":["ECDSA_SHA_256"],"multiRegion":false}},["arn:aws:kms:us-east-1:111122223333:key/fe651e76-b89b-4abc-88a9-d7a71bce1dce"],{},"",""]');
INSERT INTO "event" VALUES(13,1767614460000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/fe651e76-b89b-4abc-88a9-d7a71bce1dce',NULL,'["Sign","arn:aws:iam::111122223333:root","111122223333","4445d4a6-d9fa-4724-a749-54afbba0397d","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/fe651e76-b89b-4abc-88a9-d7a71bce1dce","signingAlgorithm":"ECDSA_SHA_256"},null,["arn:aws:kms:us-east-1:111122223333:key/fe651e76-b89b-4abc-88a9-d7a71bce1dce"],{},"",""]');
INSERT INTO "event" VALUES(14,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateGrant","arn:aws:iam::111122223333:root","111122223333","6f281d9e-dc98-4f09-adc1-96d2d6d72149","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236","granteePrincipal":"arn:aws:iam::111122223333:user/alice","operations":["Decrypt"]},{"grantId":"844d3a7cedd358c1a1de7892413e262447f7b12c0030d3306c3d3d4930f4c4fb"},["arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236"],{},"",""]');
INSERT INTO "event" VALUES(15,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","4420344b-7494-49f3-a35b-f2dfc41c0b81","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":""},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"0b989950-d627-4691-809e-d193852eba20","arn":"arn:aws:kms:us-east-1:111122223333:key/0b989950-d627-4691-809e-d193852eba20","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"986275a5c5bf8611fa729057c69e508fa6668d06c2fac5beb07560027d8f40f2"}},["arn:aws:kms:us-east-1:111122223333:key/0b989950-d627-4691-809e-d193852eba20"],{},"",""]');
INSERT INTO "event" VALUES(16,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["ScheduleKeyDeletion","arn:aws:iam::111122223333:root","111122223333","6b64908e-4a40-4f4b-adc5-660caf97e30a","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/0b989950-d627-4691-809e-d193852eba20","pendingWindowInDays":7},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/0b989950-d627-4691-809e-d193852eba20","deletionDate":"Jan 12, 2026, 12:01:00 PM","keyState":"PendingDeletion","pendingWindowInDays":7},["arn:aws:kms:us-east-1:111122223333:key/0b989950-d627-4691-809e-d193852eba20"],{},"",""]');
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
INSERT INTO "grant" VALUES('arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236/844d3a7cedd358c1a1de7892413e262447f7b12c0030d3306c3d3d4930f4c4fb','arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236','arn:aws:iam::111122223333:user/alice','','["Decrypt"]','{}','','','arn:aws:iam::111122223333:root',1767614460000000,14);
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
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','Enabled',1767614400000000,'Ärzte, 열쇠','{
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
}','9a60c7e433a1dc292a65546b103edacb8368168aad484e9da91f6660a2bdf3e9','CUSTOMER','{}',NULL,0,NULL,NULL,1,NULL,6);
INSERT INTO "key" VALUES('arn:aws:kms:eu-west-1:111122223333:key/8062739d-c2f1-451f-9743-b9fec1810d8b','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','Enabled',1767614400000000,'','{
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
}','60798de817e058361137e69a1cf512c048e01c83bce6af3669f3ed240e6d4632','CUSTOMER','{}',NULL,0,NULL,NULL,0,NULL,5);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/fe651e76-b89b-4abc-88a9-d7a71bce1dce','ECC_NIST_P256','SIGN_VERIFY','AWS_KMS','Enabled',1767614460000000,'','{
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
}','51c53461b0c9741406225eb3f224f376305fb0c5745cce0fab73bf7438d3c0e9','CUSTOMER','{}',NULL,0,NULL,NULL,0,NULL,9);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/0b989950-d627-4691-809e-d193852eba20','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','PendingDeletion',1767614460000000,'','{
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
}','986275a5c5bf8611fa729057c69e508fa6668d06c2fac5beb07560027d8f40f2','CUSTOMER','{}',1768219260000000,0,NULL,NULL,0,1768219260000000,16);
CREATE TABLE kmslab (
	schema INTEGER,
	changes BIGINT
);
INSERT INTO "kmslab" VALUES(4,16);
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
INSERT INTO "material" VALUES('us-east-1/8422050d3484f380e428060aed0902fb1d49c975991c22c5f8bbea6fed8dbf98','arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236','SYMMETRIC_DEFAULT','bf9fffbc80d6d4b896d493992163422b',X'0996556D63728B7BFAC7FA0DDBA440E6314413BFAEC36E643D70C4731622D6F793650B6A3BE89C38E7254064EE7CC7C26F999C361EA7ED306537E6BD',X'',0,1767614400000000,'',2);
INSERT INTO "material" VALUES('eu-west-1/60798de817e058361137e69a1cf512c048e01c83bce6af3669f3ed240e6d4632','arn:aws:kms:eu-west-1:111122223333:key/8062739d-c2f1-451f-9743-b9fec1810d8b','SYMMETRIC_DEFAULT','d1753e50be09ead6b38dd6401b0bd1a3',X'481D091976EA278ADE25084633153ADEC01B0553D01616AC768C41679B668DD700AB14C83042E5B95335830EC42802E9C5595EA5AA5E4B8BE57E3E3E',X'',0,1767614400000000,'',4);
INSERT INTO "material" VALUES('us-east-1/9a60c7e433a1dc292a65546b103edacb8368168aad484e9da91f6660a2bdf3e9','arn:aws:kms:us-east-1:111122223333:key/1a3b654f-77c7-4ff7-bdb8-fcb8f005e236','SYMMETRIC_DEFAULT','bf9fffbc80d6d4b896d493992163422b',X'247BAE3BFDFC33739AEFFBAD7D2E42CA7CBE8EDFBAECDED6796014D4FAC90385DE7D193B3E058EEDA65E23FF15F39563F220483AF0872BC2B0C22B03',X'',1,1767614400000000,'ON_DEMAND',8);
INSERT INTO "material" VALUES('us-east-1/51c53461b0c9741406225eb3f224f376305fb0c5745cce0fab73bf7438d3c0e9','arn:aws:kms:us-east-1:111122223333:key/fe651e76-b89b-4abc-88a9-d7a71bce1dce','ECC_NIST_P256','bf9fffbc80d6d4b896d493992163422b',X'27E7573D288F1A3F25AD80EF0B652B7CAD7B97630A7056322DF352D74C1421CAC7FF4E4833F35BE09262351D4EE16A68D65C6DF4138F1B28B4E90F738EF8C7D8F6EEC852CE60E4DB0E9AF2F47A8176C245CF62C20F95F41D83292570155B1D2927608C454FC8203E67BF678215887D87DAFB94BE9DB8A789F4F7772C8F85721558167D9416C6D65538A8ED089ECCF5377DF55A3EFD8381FB280653130B5A0E4C70798FB47A73',X'3059301306072A8648CE3D020106082A8648CE3D0301070342000444FDB7F7E366AC8BDB4532E65045D702F01ECFDA9A0168F22DBA8FEF61C0D3CB44600B3DEFBEA636FB27F99935A4B8B95CDA406C21E008401A7AF78E7506E81E',0,1767614460000000,'',9);
INSERT INTO "material" VALUES('us-east-1/986275a5c5bf8611fa729057c69e508fa6668d06c2fac5beb07560027d8f40f2','arn:aws:kms:us-east-1:111122223333:key/0b989950-d627-4691-809e-d193852eba20','SYMMETRIC_DEFAULT','bf9fffbc80d6d4b896d493992163422b',X'9E2E9D63D1A9C9D17671FDC080B406249CEA451AF4B9861A7C9A84CB275BE7F62E43FD6491905D14C1A7878E45471E62649908702C6EA7B8C0BEA6D5',X'',0,1767614460000000,'',15);
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
CREATE INDEX key_by_due ON "key" (due, arn);
CREATE INDEX material_by_key ON material ("key", handle);
CREATE INDEX domain_key_by_region ON domain_key (region, id);
CREATE INDEX alias_by_target ON alias (target, arn);
CREATE INDEX access_key_by_principal ON access_key (principal, id);
CREATE INDEX grant_by_retiring ON grant (retiring, handle);
CREATE INDEX grant_by_key_and_grantee ON grant ("key", grantee, handle);
CREATE INDEX event_by_used_too ON event (used_too, sequence) WHERE used_too IS NOT NULL;
CREATE INDEX event_by_used ON event (used, sequence);
COMMIT;
