BEGIN TRANSACTION;
CREATE TABLE alias (
	arn VARCHAR NOT NULL,
	target VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (arn)
);
INSERT INTO "alias" VALUES('arn:aws:kms:us-east-1:111122223333:alias/orders','arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d',1767614400000000,1767614400000000,3);
INSERT INTO "alias" VALUES('arn:aws:kms:eu-west-1:111122223333:alias/orders','arn:aws:kms:eu-west-1:111122223333:key/fb848078-1db0-4535-bc0c-d0afd5940609',1767614400000000,1767614400000000,5);
CREATE TABLE domain_key (
	id VARCHAR NOT NULL,
	region VARCHAR NOT NULL,
	wrapped BLOB NOT NULL,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "domain_key" VALUES('df87e44e54f87d0245480be16055205b','us-east-1',X'E87850CBF6B56EE8BA7B3D66C4D348AD6C8A55943EDBB81DAF47FAD5871F65E38BF50C1C2ED7637F26CE45D9EAF1ED742A21CA6F74574B6DA5C76B43',1767614400000000,2);
INSERT INTO "domain_key" VALUES('6b88ce9665824431d406c438d96ab25d','eu-west-1',X'BC91489F7A602BAC0747888AD6FA86A025CC0CB291934EAC8A58C7FE46B7BF9DF9B08F951E9236C8BAD149ECB102CCEEF4396204F7F1DA65BF311D38',1767614400000000,4);
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
INSERT INTO "event" VALUES(1,1767614400000000,'111122223333','us-east-1',NULL,NULL,'{"operation":"DescribeKey","principal":"arn:aws:iam::111122223333:root","request_id":"f91a07b0-88ab-4ea7-9191-7237b97a3477","request":{"keyId":"alias/orders"},"error_code":"NotFoundException","error_message":"Alias arn:aws:kms:us-east-1:111122223333:alias/orders is not found."}');
INSERT INTO "event" VALUES(2,1767614400000000,'111122223333','us-east-1',NULL,NULL,'{"operation":"CreateKey","principal":"arn:aws:iam::111122223333:root","request_id":"1cea1f68-fa13-4a82-9980-8ec972b0290d","request":{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":"\u00c4rzte, \uc5f4\uc1e0"},"response":{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"264c8943-33e6-42da-a13e-9b0d39cc914d","arn":"arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d","creationDate":"Jan 5, 2026, 12:00:00 PM","enabled":true,"description":"\u00c4rzte, \uc5f4\uc1e0","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"322fc325ea3f52b9573bcc44c60460cff9f1e5c4e84147a7d16483ac8a1d62aa"}},"resources":["arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d"]}');
INSERT INTO "event" VALUES(3,1767614400000000,'111122223333','us-east-1',NULL,NULL,'{"operation":"CreateAlias","principal":"arn:aws:iam::111122223333:root","request_id":"c4a70d5a-c7b3-4f18-9ba8-1531448785b5","request":{"aliasName":"alias/orders","targetKeyId":"arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d"},"response":{"keyId":"arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d"},"resources":["arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d","arn:aws:kms:us-east-1:111122223333:alias/orders"]}');
INSERT INTO "event" VALUES(4,1767614400000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d',NULL,'{"operation":"Encrypt","principal":"arn:aws:iam::111122223333:root","request_id":"1825da07-6793-4871-9748-d5e70675476d","request":{"keyId":"arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"order":"17"}},"resources":["arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d"],"extra":{"keyMaterialId":"322fc325ea3f52b9573bcc44c60460cff9f1e5c4e84147a7d16483ac8a1d62aa"}}');
INSERT INTO "event" VALUES(5,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'{"operation":"DescribeKey","principal":"arn:aws:iam::111122223333:root","request_id":"b2c2884b-6c61-412a-ad86-82896eda9ee2","request":{"keyId":"alias/orders"},"error_code":"NotFoundException","error_message":"Alias arn:aws:kms:eu-west-1:111122223333:alias/orders is not found."}');
INSERT INTO "event" VALUES(6,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'{"operation":"CreateKey","principal":"arn:aws:iam::111122223333:root","request_id":"a7378e46-1692-4fbc-94d3-6bfb527c530c","request":{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":""},"response":{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"fb848078-1db0-4535-bc0c-d0afd5940609","arn":"arn:aws:kms:eu-west-1:111122223333:key/fb848078-1db0-4535-bc0c-d0afd5940609","creationDate":"Jan 5, 2026, 12:00:00 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"1f342f2b97afa1d37f3165e74c9de46d5c8005781cbcefb0f84f0da909ea9fae"}},"resources":["arn:aws:kms:eu-west-1:111122223333:key/fb848078-1db0-4535-bc0c-d0afd5940609"]}');
INSERT INTO "event" VALUES(7,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'{"operation":"CreateAlias","principal":"arn:aws:iam::111122223333:root","request_id":"4cdc477f-ece7-4840-a87f-d15b435d9954","request":{"aliasName":"alias/orders","targetKeyId":"arn:aws:kms:eu-west-1:111122223333:key/fb848078-1db0-4535-bc0c-d0afd5940609"},"response":{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/fb848078-1db0-4535-bc0c-d0afd5940609"},"resources":["arn:aws:kms:eu-west-1:111122223333:key/fb848078-1db0-4535-bc0c-d0afd5940609","arn:aws:kms:eu-west-1:111122223333:alias/orders"]}');
INSERT INTO "event" VALUES(8,1767614400000000,'111122223333','eu-west-1','arn:aws:kms:eu-west-1:111122223333:key/fb848078-1db0-4535-bc0c-d0afd5940609',NULL,'{"operation":"Encrypt","principal":"arn:aws:iam::111122223333:root","request_id":"13e298dc-06e7-4b57-b911-4449bef3b366","request":{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/fb848078-1db0-4535-bc0c-d0afd5940609","encryptionAlgorithm":"SYMMETRIC_DEFAULT"},"resources":["arn:aws:kms:eu-west-1:111122223333:key/fb848078-1db0-4535-bc0c-d0afd5940609"],"extra":{"keyMaterialId":"1f342f2b97afa1d37f3165e74c9de46d5c8005781cbcefb0f84f0da909ea9fae"}}');
INSERT INTO "event" VALUES(9,1767614400000000,'111122223333','us-east-1',NULL,NULL,'{"operation":"RotateKeyOnDemand","principal":"arn:aws:iam::111122223333:root","request_id":"b4339a7d-ed5d-440d-936d-00465d151c90","request":{"keyId":"arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d"},"response":{"keyId":"arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d"},"resources":["arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d"]}');
INSERT INTO "event" VALUES(10,1767614400000000,'111122223333','us-east-1',NULL,NULL,'{"operation":"RotateKey","principal":"","request_id":"40deed49-05f6-41c8-a312-bdc18f927a6d","resources":["arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d"],"extra":{"rotationType":"ON_DEMAND","keyOrigin":"AWS_KMS","previousKeyMaterialId":"322fc325ea3f52b9573bcc44c60460cff9f1e5c4e84147a7d16483ac8a1d62aa","currentKeyMaterialId":"35b6774baedfc09cf3a20bf2c38b4ddd988034cd3fa711aac25196af64eb9e60","keyId":"264c8943-33e6-42da-a13e-9b0d39cc914d"}}');
INSERT INTO "event" VALUES(11,1767614460000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d',NULL,'{"operation":"Encrypt","principal":"arn:aws:iam::111122223333:root","request_id":"0a23b053-3179-406c-ac52-8769d0fe5e3b","request":{"keyId":"arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"order":"17"}},"resources":["arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d"],"extra":{"keyMaterialId":"35b6774baedfc09cf3a20bf2c38b4ddd988034cd3fa711aac25196af64eb9e60"}}');
INSERT INTO "event" VALUES(12,1767614460000000,'111122223333','us-east-1',NULL,NULL,'{"operation":"CreateKey","principal":"arn:aws:iam::111122223333:root","request_id":"1adc33a0-0084-42fd-82c1-e2d3c3915543","request":{"keySpec":"ECC_NIST_P256","keyUsage":"SIGN_VERIFY"},"response":{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"d7e09303-2b69-4471-8c1a-59deb4914929","arn":"arn:aws:kms:us-east-1:111122223333:key/d7e09303-2b69-4471-8c1a-59deb4914929","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"SIGN_VERIFY","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"ECC_NIST_P256","keySpec":"ECC_NIST_P256","signingAlgorithms":["ECDSA_SHA_256"],"multiRegion":false}},"resources":["arn:aws:kms:us-east-1:111122223333:key/d7e09303-2b69-4471-8c1a-59deb4914929"]}');
INSERT INTO "event" VALUES(13,1767614460000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/d7e09303-2b69-4471-8c1a-59deb4914929',NULL,'{"operation":"Sign","principal":"arn:aws:iam::111122223333:root","request_id":"e33ff454-938e-410c-956a-cf89146a4847","request":{"keyId":"arn:aws:kms:us-east-1:111122223333:key/d7e09303-2b69-4471-8c1a-59deb4914929","signingAlgorithm":"ECDSA_SHA_256"},"resources":["arn:aws:kms:us-east-1:111122223333:key/d7e09303-2b69-4471-8c1a-59deb4914929"]}');
INSERT INTO "event" VALUES(14,1767614460000000,'111122223333','us-east-1',NULL,NULL,'{"operation":"CreateKey","principal":"arn:aws:iam::111122223333:root","request_id":"1ef8da07-0145-4fba-97b3-45dd126b2393","request":{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":""},"response":{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"702df1c4-e744-4b25-8a56-268f6dc27937","arn":"arn:aws:kms:us-east-1:111122223333:key/702df1c4-e744-4b25-8a56-268f6dc27937","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"63aec2939a9a6fbcdd197829977455a63a1541a19684ed0989e0fdaadaeededd"}},"resources":["arn:aws:kms:us-east-1:111122223333:key/702df1c4-e744-4b25-8a56-268f6dc27937"]}');
INSERT INTO "event" VALUES(15,1767614460000000,'111122223333','us-east-1',NULL,NULL,'{"operation":"ScheduleKeyDeletion","principal":"arn:aws:iam::111122223333:root","request_id":"f98166db-b521-4526-83d5-4f75dc9dc6ad","request":{"keyId":"arn:aws:kms:us-east-1:111122223333:key/702df1c4-e744-4b25-8a56-268f6dc27937","pendingWindowInDays":7},"response":{"keyId":"arn:aws:kms:us-east-1:111122223333:key/702df1c4-e744-4b25-8a56-268f6dc27937","deletionDate":"Jan 12, 2026, 12:01:00 PM","keyState":"PendingDeletion","pendingWindowInDays":7},"resources":["arn:aws:kms:us-east-1:111122223333:key/702df1c4-e744-4b25-8a56-268f6dc27937"]}');
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
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','Enabled',1767614400000000,'Ärzte, 열쇠','{
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
}','35b6774baedfc09cf3a20bf2c38b4ddd988034cd3fa711aac25196af64eb9e60','{}',NULL,0,NULL,NULL,1,NULL,5);
INSERT INTO "key" VALUES('arn:aws:kms:eu-west-1:111122223333:key/fb848078-1db0-4535-bc0c-d0afd5940609','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','Enabled',1767614400000000,'','{
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
}','1f342f2b97afa1d37f3165e74c9de46d5c8005781cbcefb0f84f0da909ea9fae','{}',NULL,0,NULL,NULL,0,NULL,5);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/d7e09303-2b69-4471-8c1a-59deb4914929','ECC_NIST_P256','SIGN_VERIFY','AWS_KMS','Enabled',1767614460000000,'','{
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
}','da4b9319835726d9cc5d6e56a2b09b5d11295f476a4940f70162af2afe20ffa3','{}',NULL,0,NULL,NULL,0,NULL,9);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/702df1c4-e744-4b25-8a56-268f6dc27937','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','PendingDeletion',1767614460000000,'','{
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
}','63aec2939a9a6fbcdd197829977455a63a1541a19684ed0989e0fdaadaeededd','{}',1768219260000000,0,NULL,NULL,0,1768219260000000,11);
CREATE TABLE kmslab (
	schema INTEGER,
	changes BIGINT
);
INSERT INTO "kmslab" VALUES(1,11);
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
INSERT INTO "material" VALUES('us-east-1/322fc325ea3f52b9573bcc44c60460cff9f1e5c4e84147a7d16483ac8a1d62aa','arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d','SYMMETRIC_DEFAULT','df87e44e54f87d0245480be16055205b',X'9BD781C91499D42B8831975A58E5B428FBB6C18455551D5054F7462877806D273F7B61D9B93873D8C05D0F5380C14FC3C42D512EA42A7CA5814653A8',X'',0,1767614400000000,'',2);
INSERT INTO "material" VALUES('eu-west-1/1f342f2b97afa1d37f3165e74c9de46d5c8005781cbcefb0f84f0da909ea9fae','arn:aws:kms:eu-west-1:111122223333:key/fb848078-1db0-4535-bc0c-d0afd5940609','SYMMETRIC_DEFAULT','6b88ce9665824431d406c438d96ab25d',X'B68BA29BA99001F459BE61966E4033E4E99819E24D8B3E1BB3BE544E6F2ABD210E3060B37BD1CA3C1AAB8B94D6297815BCD34553F473E4AB3745CD09',X'',0,1767614400000000,'',4);
INSERT INTO "material" VALUES('us-east-1/35b6774baedfc09cf3a20bf2c38b4ddd988034cd3fa711aac25196af64eb9e60','arn:aws:kms:us-east-1:111122223333:key/264c8943-33e6-42da-a13e-9b0d39cc914d','SYMMETRIC_DEFAULT','df87e44e54f87d0245480be16055205b',X'E2223D6E233AA0F12A0001C01736EE1E58EDD6C6AB9825672151FE59A144415DCEB380832F3B276F745D8D1A93579C3078AB9A5131F376087623AF1A',X'',1,1767614400000000,'ON_DEMAND',8);
INSERT INTO "material" VALUES('us-east-1/da4b9319835726d9cc5d6e56a2b09b5d11295f476a4940f70162af2afe20ffa3','arn:aws:kms:us-east-1:111122223333:key/d7e09303-2b69-4471-8c1a-59deb4914929','ECC_NIST_P256','df87e44e54f87d0245480be16055205b',X'F6BA17383A2DED9101150D06E93D99D2A7EAAD1A61ABDB0A67F605C06AB9ECB1ABE922DB8D2EA6A4E711125A825B54E6D092F06069CC875FF1315D8CCA41C326EC25DC7935F35FDF97183273315010FB52CD95E967BE3BDDC04BA318E216623037265273806CC8816D1C2BE7D4A688C006D955D4B63329FFE8842A63B0DBF0304D3B4A010982B8F5E626F1DC3679E777240F73B9711D149D158330C9E624ED361121746BBB6D',X'3059301306072A8648CE3D020106082A8648CE3D03010703420004D07010A9B558DC6AFCC3E06F203A1BD7B597F3EBAC14E02233EF7E8CD7F35D53187EA8701AF37BBB0B2625138C031192411AC918A76B7CB771473773B21090B0',0,1767614460000000,'',9);
INSERT INTO "material" VALUES('us-east-1/63aec2939a9a6fbcdd197829977455a63a1541a19684ed0989e0fdaadaeededd','arn:aws:kms:us-east-1:111122223333:key/702df1c4-e744-4b25-8a56-268f6dc27937','SYMMETRIC_DEFAULT','df87e44e54f87d0245480be16055205b',X'543138B62935003F79097D0C6EBF5E26F2AC2283F9F1041093F305C387C8B6CBF7D42F9006BBC1C97E4AE9534C7B8BB947490455DB147B98EECE3DE2',X'',0,1767614460000000,'',10);
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
CREATE INDEX event_by_used_too ON event (used_too, sequence);
CREATE INDEX event_by_used ON event (used, sequence);
COMMIT;
