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
INSERT INTO "access_key" VALUES('AKIAXY7EIKBOCZ6K5KHF','arn:aws:iam::111122223333:root',X'66173E87786D4F38DE3A6D5D39D829BFC3C953311DC94FB6DFE0A437F19BE9B8317E03BFD60AD47371CB39944505713C2DE4DE90E353801FBCB3FE8FF34BE3C4F05B0362','',NULL,1767614460000000,10);
INSERT INTO "access_key" VALUES('ASIABB5FMMDYSHRTBZCA','arn:aws:sts::111122223333:assumed-role/job/lab',X'FFCA157BE737CC10A0731E89EC824BEEE82C2074DB39A847CBD9442A86A62FE2768307CBA60E6C60F739DB0D07ABA64B29FA944F3014CDB2CF9CA436AC80F6D4E190BF3D','io62bgA4OORwAJzlM3Ru27bWZKdXJKdVubIC5MHStEmdWS1Qjw4J8b6a9oYvM23hNwKK2KHHTcGcGpERBGjRzwldqgmEYSnsbM29WppgJRH912d3e9gMJwD_q5bw7WW-',1796082364792297,1767614460000000,12);
CREATE TABLE alias (
	arn VARCHAR NOT NULL,
	target VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (arn)
);
INSERT INTO "alias" VALUES('arn:aws:kms:us-east-1:111122223333:alias/orders','arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b',1767614400000000,1767614400000000,3);
INSERT INTO "alias" VALUES('arn:aws:kms:eu-west-1:111122223333:alias/orders','arn:aws:kms:eu-west-1:111122223333:key/dc72d8c8-58c2-4c57-8a7d-44f17e3bfdf0',1767614400000000,1767614400000000,5);
CREATE TABLE domain_key (
	id VARCHAR NOT NULL,
	region VARCHAR NOT NULL,
	wrapped BLOB NOT NULL,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "domain_key" VALUES('6c19df55756eef0513678c8faa4681bd','us-east-1',X'933D8F046DE5491C98FB5AF5DB8A5BF9DB2D84DF53066F3CD093BA7A4E59FC479DCB96253B2027BF2DFF86C26D03EED7A91AE4F19CF8A153BB65901B',1767614400000000,2);
INSERT INTO "domain_key" VALUES('9f982ebe756a5a72e4546c1b73013eea','eu-west-1',X'41D45E7AE719619549984F69C0082A6F31415B43A2CB989C86FE5C2E834BC47CED57FA8A8963F600BE12A83BE9DA5108152BF3DDA6DEBFB6B037D590',1767614400000000,4);
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
INSERT INTO "event" VALUES(1,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["DescribeKey","arn:aws:iam::111122223333:root","111122223333","f4de3d1d-7e2f-4d4f-ad96-12c1b7dff8ab","","",[],{"keyId":"alias/orders"},null,[],{},"NotFoundException","Alias arn:aws:kms:us-east-1:111122223333:alias/orders is not found."]');
INSERT INTO "event" VALUES(2,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","d8de3f67-6262-4282-8ada-ecfecde52647","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":"\u00c4rzte, \uc5f4\uc1e0"},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"a2f08304-3381-43cc-ba9d-c66a4b524d0b","arn":"arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b","creationDate":"Jan 5, 2026, 12:00:00 PM","enabled":true,"description":"\u00c4rzte, \uc5f4\uc1e0","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"57beff3ab5e08fea6aa8ada704c90fbb7d83090e2c7c8b69adb4e49b59254c8b"}},["arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b"],{},"",""]');
INSERT INTO "event" VALUES(3,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["CreateAlias","arn:aws:iam::111122223333:root","111122223333","6ed97eb1-0176-4c3a-b9bd-a509e7eadfcd","","",[],{"aliasName":"alias/orders","targetKeyId":"arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b"},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b"},["arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b","arn:aws:kms:us-east-1:111122223333:alias/orders"],{},"",""]');
INSERT INTO "event" VALUES(4,1767614400000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","6bd2aef0-79eb-4e93-9cf7-1157dcd7baee","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"order":"17"}},null,["arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b"],{"keyMaterialId":"57beff3ab5e08fea6aa8ada704c90fbb7d83090e2c7c8b69adb4e49b59254c8b"},"",""]');
INSERT INTO "event" VALUES(5,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'["DescribeKey","arn:aws:iam::111122223333:root","111122223333","8fc2ba99-50d3-4338-9e59-40c47e148814","","",[],{"keyId":"alias/orders"},null,[],{},"NotFoundException","Alias arn:aws:kms:eu-west-1:111122223333:alias/orders is not found."]');
INSERT INTO "event" VALUES(6,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","81de9ebc-e3cd-49fc-b9f3-c2f41ea2806d","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":""},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"dc72d8c8-58c2-4c57-8a7d-44f17e3bfdf0","arn":"arn:aws:kms:eu-west-1:111122223333:key/dc72d8c8-58c2-4c57-8a7d-44f17e3bfdf0","creationDate":"Jan 5, 2026, 12:00:00 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"46b6a55ee8889294b7e9b6b2c80836b5df9b85de708358d747be492af7c2fe09"}},["arn:aws:kms:eu-west-1:111122223333:key/dc72d8c8-58c2-4c57-8a7d-44f17e3bfdf0"],{},"",""]');
INSERT INTO "event" VALUES(7,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'["CreateAlias","arn:aws:iam::111122223333:root","111122223333","5a6b41fd-f44e-40dd-ab8a-3c969396e822","","",[],{"aliasName":"alias/orders","targetKeyId":"arn:aws:kms:eu-west-1:111122223333:key/dc72d8c8-58c2-4c57-8a7d-44f17e3bfdf0"},{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/dc72d8c8-58c2-4c57-8a7d-44f17e3bfdf0"},["arn:aws:kms:eu-west-1:111122223333:key/dc72d8c8-58c2-4c57-8a7d-44f17e3bfdf0","arn:aws:kms:eu-west-1:111122223333:alias/orders"],{},"",""]');
INSERT INTO "event" VALUES(8,1767614400000000,'111122223333','eu-west-1','arn:aws:kms:eu-west-1:111122223333:key/dc72d8c8-58c2-4c57-8a7d-44f17e3bfdf0',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","85ab3fee-389a-4028-a98d-55f5dcbaad21","","",[],{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/dc72d8c8-58c2-4c57-8a7d-44f17e3bfdf0","encryptionAlgorithm":"SYMMETRIC_DEFAULT"},null,["arn:aws:kms:eu-west-1:111122223333:key/dc72d8c8-58c2-4c57-8a7d-44f17e3bfdf0"],{"keyMaterialId":"46b6a55ee8889294b7e9b6b2c80836b5df9b85de708358d747be492af7c2fe09"},"",""]');
INSERT INTO "event" VALUES(9,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["RotateKeyOnDemand","arn:aws:iam::111122223333:root","111122223333","3fa05a33-9041-472a-b73b-14ce69c4c7db","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b"},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b"},["arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b"],{},"",""]');
INSERT INTO "event" VALUES(10,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["RotateKey","","111122223333","3d3b3406-9bb9-4a8a-a1b3-30dd08aaf90f","","",[],null,null,["arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b"],{"rotationType":"ON_DEMAND","keyOrigin":"AWS_KMS","previousKeyMaterialId":"57beff3ab5e08fea6aa8ada704c90fbb7d83090e2c7c8b69adb4e49b59254c8b","currentKeyMaterialId":"3d5b18e4ba6b503e967d20001ba48b7cd191b4f827ddfac1d0daf5c5195747b0","keyId":"a2f08304-3381-43cc-ba9d-c66a4b524d0b"},"",""]');
INSERT INTO "event" VALUES(11,1767614460000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","be0d59b5-a1a1-441d-bd87-90a24a03c64a","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"order":"17"}},null,["arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b"],{"keyMaterialId":"3d5b18e4ba6b503e967d20001ba48b7cd191b4f827ddfac1d0daf5c5195747b0"},"",""]');
INSERT INTO "event" VALUES(12,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","a292bd07-7dc0-445e-93a1-dc0de5c324df","","",[],{"keySpec":"ECC_NIST_P256","keyUsage":"SIGN_VERIFY"},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"5b6b4883-2bed-410b-8653-64db975a2677","arn":"arn:aws:kms:us-east-1:111122223333:key/5b6b4883-2bed-410b-8653-64db975a2677","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"SIGN_VERIFY","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"ECC_NIST_P256","keySpec":"ECC_NIST_P256","signingAlgorithms":["ECDSA_SHA_256"],"multiRegion":false}},["arn:aws:kms:us-east-1:111122223333:key/5b6b4883-2bed-410b-8653-64db975a2677"],{},"",""]');
INSERT INTO "event" VALUES(13,1767614460000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/5b6b4883-2bed-410b-8653-64db975a2677',NULL,'["Sign","arn:aws:iam::111122223333:root","111122223333","004c24df-ed30-4d89-ada3-8b4a309852e2","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/5b6b4883-2bed-410b-8653-64db975a2677","signingAlgorithm":"ECDSA_SHA_256"},null,["arn:aws:kms:us-east-1:111122223333:key/5b6b4883-2bed-410b-8653-64db975a2677"],{},"",""]');
INSERT INTO "event" VALUES(14,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateGrant","arn:aws:iam::111122223333:root","111122223333","2289bcea-40db-4add-abff-b2ae3314191d","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b","granteePrincipal":"arn:aws:iam::111122223333:user/alice","operations":["Decrypt"]},{"grantId":"2aeee1882ad36f38a6688fb05bd5cc1582b26bfbfb070310526fdc426cd7cd41"},["arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b"],{},"",""]');
INSERT INTO "event" VALUES(15,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","1b9d9475-13a4-44d3-a985-3f717f5fbf65","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":""},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"3eb15155-a373-46a8-b3c5-9f7b422e120e","arn":"arn:aws:kms:us-east-1:111122223333:key/3eb15155-a373-46a8-b3c5-9f7b422e120e","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"82b3de27ace7560720d14406ed93b9ab291da8ddbcae8f5635b84042db7b3802"}},["arn:aws:kms:us-east-1:111122223333:key/3eb15155-a373-46a8-b3c5-9f7b422e120e"],{},"",""]');
INSERT INTO "event" VALUES(16,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["ScheduleKeyDeletion","arn:aws:iam::111122223333:root","111122223333","29e5d83e-0491-42c3-81d4-9cbfa9671d01","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/3eb15155-a373-46a8-b3c5-9f7b422e120e","pendingWindowInDays":7},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/3eb15155-a373-46a8-b3c5-9f7b422e120e","deletionDate":"Jan 12, 2026, 12:01:00 PM","keyState":"PendingDeletion","pendingWindowInDays":7},["arn:aws:kms:us-east-1:111122223333:key/3eb15155-a373-46a8-b3c5-9f7b422e120e"],{},"",""]');
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
INSERT INTO "grant" VALUES('arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b/2aeee1882ad36f38a6688fb05bd5cc1582b26bfbfb070310526fdc426cd7cd41','arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b','arn:aws:iam::111122223333:user/alice','','["Decrypt"]','{}','','','arn:aws:iam::111122223333:root',1767614460000000,14);
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
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','Enabled',1767614400000000,'Ärzte, 열쇠','{
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
}','3d5b18e4ba6b503e967d20001ba48b7cd191b4f827ddfac1d0daf5c5195747b0','CUSTOMER','{}',NULL,0,NULL,NULL,1,NULL,6);
INSERT INTO "key" VALUES('arn:aws:kms:eu-west-1:111122223333:key/dc72d8c8-58c2-4c57-8a7d-44f17e3bfdf0','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','Enabled',1767614400000000,'','{
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
}','46b6a55ee8889294b7e9b6b2c80836b5df9b85de708358d747be492af7c2fe09','CUSTOMER','{}',NULL,0,NULL,NULL,0,NULL,5);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/5b6b4883-2bed-410b-8653-64db975a2677','ECC_NIST_P256','SIGN_VERIFY','AWS_KMS','Enabled',1767614460000000,'','{
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
}','eecf66220052d59d056ab85977f42d75d33ff9bc8a7a2a9cc178a6c2fd5e5dd2','CUSTOMER','{}',NULL,0,NULL,NULL,0,NULL,9);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/3eb15155-a373-46a8-b3c5-9f7b422e120e','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','PendingDeletion',1767614460000000,'','{
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
}','82b3de27ace7560720d14406ed93b9ab291da8ddbcae8f5635b84042db7b3802','CUSTOMER','{}',1768219260000000,0,NULL,NULL,0,1768219260000000,16);
CREATE TABLE kmslab (
	schema INTEGER,
	changes BIGINT
);
INSERT INTO "kmslab" VALUES(3,16);
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
INSERT INTO "material" VALUES('us-east-1/57beff3ab5e08fea6aa8ada704c90fbb7d83090e2c7c8b69adb4e49b59254c8b','arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b','SYMMETRIC_DEFAULT','6c19df55756eef0513678c8faa4681bd',X'9F4E58D13A21BF604556B0603BCFADF703D6AAE4F69E57D8BA4E040FFE4BC28B429C5A56C4EE7C7435294105349A5B885AE4728B0FEA9174E1110759',X'',0,1767614400000000,'',2);
INSERT INTO "material" VALUES('eu-west-1/46b6a55ee8889294b7e9b6b2c80836b5df9b85de708358d747be492af7c2fe09','arn:aws:kms:eu-west-1:111122223333:key/dc72d8c8-58c2-4c57-8a7d-44f17e3bfdf0','SYMMETRIC_DEFAULT','9f982ebe756a5a72e4546c1b73013eea',X'A65EA80DD39A2FF15A855302871C45D586CC09C235F0CC19A6E2A7123D85446CF3BD27DFF3AFB4C1F98A4DC210DAB4BAC28C4DAC1FF617E3D2AD9A92',X'',0,1767614400000000,'',4);
INSERT INTO "material" VALUES('us-east-1/3d5b18e4ba6b503e967d20001ba48b7cd191b4f827ddfac1d0daf5c5195747b0','arn:aws:kms:us-east-1:111122223333:key/a2f08304-3381-43cc-ba9d-c66a4b524d0b','SYMMETRIC_DEFAULT','6c19df55756eef0513678c8faa4681bd',X'8816EC428DA0E5648A79FB87D321F70C977E6719A8C52027BA97F802839CDE72698F560EBB32B19565B5055A8964BF6AC6333EA1480D50D135D0089D',X'',1,1767614400000000,'ON_DEMAND',8);
INSERT INTO "material" VALUES('us-east-1/eecf66220052d59d056ab85977f42d75d33ff9bc8a7a2a9cc178a6c2fd5e5dd2','arn:aws:kms:us-east-1:111122223333:key/5b6b4883-2bed-410b-8653-64db975a2677','ECC_NIST_P256','6c19df55756eef0513678c8faa4681bd',X'A5A7169E61B637A7AD4061B2376864B271D987227C58ADC58747CC4731B366B6BF92BB0A6A348E44B3FF72E2A2C7B3FA545D59909B924DA10CB1D6B61951F68B5E31EB88C8F1365C0369CAEE03DA918D715F65AC200B2906D353703255A1EB2E2E310C91B66BD62CB9C908D3495B3C4AA1412AEEBD7363D90E0959C0A9CE30D77A9D9560664DECEDB895FC6F183B600FD7802F8CB8383FF0FDCB945EA9C1CA36A91591E40FBD',X'3059301306072A8648CE3D020106082A8648CE3D030107034200045AC580BE77F287F87004C52F28A3E1D06C28BE85E61325D72213EF10AD5B7D0AE93F3F36D2ED74E2A1E2543CD1578A3EA9773BA9EF5869D8146A52B902C6AFD5',0,1767614460000000,'',9);
INSERT INTO "material" VALUES('us-east-1/82b3de27ace7560720d14406ed93b9ab291da8ddbcae8f5635b84042db7b3802','arn:aws:kms:us-east-1:111122223333:key/3eb15155-a373-46a8-b3c5-9f7b422e120e','SYMMETRIC_DEFAULT','6c19df55756eef0513678c8faa4681bd',X'EB15F663D96536022E207C94FC3AA76C03FB200D6B40155C4A2CE1F7EE789E76D862FEDED60EF5FF26CE58C3649E6798A7C3A0D6A5E6A38D16C9398C',X'',0,1767614460000000,'',15);
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
CREATE INDEX event_by_used ON event (used, sequence);
CREATE INDEX event_by_used_too ON event (used_too, sequence) WHERE used_too IS NOT NULL;
COMMIT;
