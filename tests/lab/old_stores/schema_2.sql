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
INSERT INTO "access_key" VALUES('AKIA6NFPCDE4IPAZSKBU','arn:aws:iam::111122223333:root',X'53505B54972840ED85A550BAD3FA8595746D84233EC23BDDB05619067E3FF597E25653EEED639BDBF04AE6D1EE99FEFEC8B90847161BA3DB112DFFF86806FB71A3C5C543','',NULL,1767614460000000,10);
INSERT INTO "access_key" VALUES('ASIAQJQZ5UWJCYBNSURA','arn:aws:sts::111122223333:assumed-role/job/lab',X'DFD81B081DBCDF0E1662002BDBC35D9E481CF42456212F341277F00D7875A7539AF30C29842A8267069D9865A85D5DAD28687C21A9C5854EA793B52AB2D7D5DA33ABFAD0','64zrwJkqyfEt0VzgJyz2KaykIfCifbGOtyXtKSTFN04-D4CxgwUFaC6J6o0D2g80A9AWVqQEaeNzFJTOJYQZ7IZSmjyot6tRJkhMwQykreV83BPgm5vv6mK1pLB30Pik',1796082364232088,1767614460000000,12);
CREATE TABLE alias (
	arn VARCHAR NOT NULL,
	target VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (arn)
);
INSERT INTO "alias" VALUES('arn:aws:kms:us-east-1:111122223333:alias/orders','arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9',1767614400000000,1767614400000000,3);
INSERT INTO "alias" VALUES('arn:aws:kms:eu-west-1:111122223333:alias/orders','arn:aws:kms:eu-west-1:111122223333:key/779c664f-9506-4267-877c-d8f143eb5bc4',1767614400000000,1767614400000000,5);
CREATE TABLE domain_key (
	id VARCHAR NOT NULL,
	region VARCHAR NOT NULL,
	wrapped BLOB NOT NULL,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "domain_key" VALUES('5c7ad46a719a3a41655d4a4fe993daa7','us-east-1',X'880CC763D0B291769A3BCC90CEEA2DD0AD8249149E6F3245E08606A83FA47C537EEF695BED11249934A1C2C665FA1B0EDA91F885FEF3E1642D40BB35',1767614400000000,2);
INSERT INTO "domain_key" VALUES('d175c117bb0b9004c0bae0d2a01970c5','eu-west-1',X'1F610A7EFB22623769BF67A3E1219646125219976B1E994ED22F80A61B11C4215C1C3BB953C62CF403334E27462A14CB4F919C55B7CA3E15354031AD',1767614400000000,4);
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
INSERT INTO "event" VALUES(1,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["DescribeKey","arn:aws:iam::111122223333:root","111122223333","2dfff4bb-0ffb-4f98-82a4-017b918f40e1","","",[],{"keyId":"alias/orders"},null,[],{},"NotFoundException","Alias arn:aws:kms:us-east-1:111122223333:alias/orders is not found."]');
INSERT INTO "event" VALUES(2,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","aff89eda-a7ed-4ea8-9dd4-ce770f644f75","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":"\u00c4rzte, \uc5f4\uc1e0"},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"3efaa588-d8d0-41e8-af5b-7a6ae5689fa9","arn":"arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9","creationDate":"Jan 5, 2026, 12:00:00 PM","enabled":true,"description":"\u00c4rzte, \uc5f4\uc1e0","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"d399e112286252774a0ddf30ebb3ee4bef765dc5d49ad01ee766678425d965fa"}},["arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9"],{},"",""]');
INSERT INTO "event" VALUES(3,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["CreateAlias","arn:aws:iam::111122223333:root","111122223333","34ce4800-e824-4fbf-b0c0-f02fe46719ca","","",[],{"aliasName":"alias/orders","targetKeyId":"arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9"},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9"},["arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9","arn:aws:kms:us-east-1:111122223333:alias/orders"],{},"",""]');
INSERT INTO "event" VALUES(4,1767614400000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","9f7d8c7d-647a-4a97-8b10-5aa2e410d069","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"order":"17"}},null,["arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9"],{"keyMaterialId":"d399e112286252774a0ddf30ebb3ee4bef765dc5d49ad01ee766678425d965fa"},"",""]');
INSERT INTO "event" VALUES(5,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'["DescribeKey","arn:aws:iam::111122223333:root","111122223333","2ed3e84d-5c00-47bc-a974-a314c861fe0c","","",[],{"keyId":"alias/orders"},null,[],{},"NotFoundException","Alias arn:aws:kms:eu-west-1:111122223333:alias/orders is not found."]');
INSERT INTO "event" VALUES(6,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","0e378996-e044-4788-b2c1-ba3239fe7aa3","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":""},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"779c664f-9506-4267-877c-d8f143eb5bc4","arn":"arn:aws:kms:eu-west-1:111122223333:key/779c664f-9506-4267-877c-d8f143eb5bc4","creationDate":"Jan 5, 2026, 12:00:00 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"c3d9e6927f8077b290f860a9db3703e7bfa4f5f48fc8d23ddc3888a6d4f52a53"}},["arn:aws:kms:eu-west-1:111122223333:key/779c664f-9506-4267-877c-d8f143eb5bc4"],{},"",""]');
INSERT INTO "event" VALUES(7,1767614400000000,'111122223333','eu-west-1',NULL,NULL,'["CreateAlias","arn:aws:iam::111122223333:root","111122223333","15bda249-3644-4873-b8fe-930ce80f33fd","","",[],{"aliasName":"alias/orders","targetKeyId":"arn:aws:kms:eu-west-1:111122223333:key/779c664f-9506-4267-877c-d8f143eb5bc4"},{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/779c664f-9506-4267-877c-d8f143eb5bc4"},["arn:aws:kms:eu-west-1:111122223333:key/779c664f-9506-4267-877c-d8f143eb5bc4","arn:aws:kms:eu-west-1:111122223333:alias/orders"],{},"",""]');
INSERT INTO "event" VALUES(8,1767614400000000,'111122223333','eu-west-1','arn:aws:kms:eu-west-1:111122223333:key/779c664f-9506-4267-877c-d8f143eb5bc4',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","3dc6c560-de9e-499b-a469-093f0ee8a830","","",[],{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/779c664f-9506-4267-877c-d8f143eb5bc4","encryptionAlgorithm":"SYMMETRIC_DEFAULT"},null,["arn:aws:kms:eu-west-1:111122223333:key/779c664f-9506-4267-877c-d8f143eb5bc4"],{"keyMaterialId":"c3d9e6927f8077b290f860a9db3703e7bfa4f5f48fc8d23ddc3888a6d4f52a53"},"",""]');
INSERT INTO "event" VALUES(9,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["RotateKeyOnDemand","arn:aws:iam::111122223333:root","111122223333","a6b8ad0a-8cb8-4219-9185-4381b28963fb","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9"},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9"},["arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9"],{},"",""]');
INSERT INTO "event" VALUES(10,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["RotateKey","","111122223333","5ecdfabb-b029-4330-a08a-a19a584c2498","","",[],null,null,["arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9"],{"rotationType":"ON_DEMAND","keyOrigin":"AWS_KMS","previousKeyMaterialId":"d399e112286252774a0ddf30ebb3ee4bef765dc5d49ad01ee766678425d965fa","currentKeyMaterialId":"c74cfe098272b8cad9a848443291d9485ac7d684b929cade937abfb38e5580d9","keyId":"3efaa588-d8d0-41e8-af5b-7a6ae5689fa9"},"",""]');
INSERT INTO "event" VALUES(11,1767614460000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","b6e1d3b5-d528-4d35-ac21-48a938da8e4b","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"order":"17"}},null,["arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9"],{"keyMaterialId":"c74cfe098272b8cad9a848443291d9485ac7d684b929cade937abfb38e5580d9"},"",""]');
INSERT INTO "event" VALUES(12,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","12e1553b-a2a9-4b38-9b0b-3452d4ab5392","","",[],{"keySpec":"ECC_NIST_P256","keyUsage":"SIGN_VERIFY"},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"3c7772b5-fccd-4109-8997-eb371031521e","arn":"arn:aws:kms:us-east-1:111122223333:key/3c7772b5-fccd-4109-8997-eb371031521e","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"SIGN_VERIFY","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"ECC_NIST_P256","keySpec":"ECC_NIST_P256","signingAlgorithms":["ECDSA_SHA_256"],"multiRegion":false}},["arn:aws:kms:us-east-1:111122223333:key/3c7772b5-fccd-4109-8997-eb371031521e"],{},"",""]');
INSERT INTO "event" VALUES(13,1767614460000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/3c7772b5-fccd-4109-8997-eb371031521e',NULL,'["Sign","arn:aws:iam::111122223333:root","111122223333","d26e05cd-258d-4fb4-9626-e1aeb41dddb1","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/3c7772b5-fccd-4109-8997-eb371031521e","signingAlgorithm":"ECDSA_SHA_256"},null,["arn:aws:kms:us-east-1:111122223333:key/3c7772b5-fccd-4109-8997-eb371031521e"],{},"",""]');
INSERT INTO "event" VALUES(14,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateGrant","arn:aws:iam::111122223333:root","111122223333","ef2843c7-3013-43aa-857d-f15e3a1a74e1","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9","granteePrincipal":"arn:aws:iam::111122223333:user/alice","operations":["Decrypt"]},{"grantId":"b66833b2f690cc143a011dd1fb9de5ae3891a7adb967323f9781f8af99592e89"},["arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9"],{},"",""]');
INSERT INTO "event" VALUES(15,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","88b49b70-fba9-4de3-96f4-2b2894e24dc6","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":""},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"ca9753e5-3cf5-41e9-8c23-23285cedf179","arn":"arn:aws:kms:us-east-1:111122223333:key/ca9753e5-3cf5-41e9-8c23-23285cedf179","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"a5bd503d337c87421106fbd09f4dd09fa009e73b1bd13e88741087e402ccf9e1"}},["arn:aws:kms:us-east-1:111122223333:key/ca9753e5-3cf5-41e9-8c23-23285cedf179"],{},"",""]');
INSERT INTO "event" VALUES(16,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["ScheduleKeyDeletion","arn:aws:iam::111122223333:root","111122223333","d0f89845-7627-4a97-925d-ba1166b0d6b2","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/ca9753e5-3cf5-41e9-8c23-23285cedf179","pendingWindowInDays":7},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/ca9753e5-3cf5-41e9-8c23-23285cedf179","deletionDate":"Jan 12, 2026, 12:01:00 PM","keyState":"PendingDeletion","pendingWindowInDays":7},["arn:aws:kms:us-east-1:111122223333:key/ca9753e5-3cf5-41e9-8c23-23285cedf179"],{},"",""]');
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
INSERT INTO "grant" VALUES('arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9/b66833b2f690cc143a011dd1fb9de5ae3891a7adb967323f9781f8af99592e89','arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9','arn:aws:iam::111122223333:user/alice','','["Decrypt"]','{}','','','arn:aws:iam::111122223333:root',1767614460000000,14);
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
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','Enabled',1767614400000000,'Ärzte, 열쇠','{
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
}','c74cfe098272b8cad9a848443291d9485ac7d684b929cade937abfb38e5580d9','CUSTOMER','{}',NULL,0,NULL,NULL,1,NULL,6);
INSERT INTO "key" VALUES('arn:aws:kms:eu-west-1:111122223333:key/779c664f-9506-4267-877c-d8f143eb5bc4','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','Enabled',1767614400000000,'','{
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
}','c3d9e6927f8077b290f860a9db3703e7bfa4f5f48fc8d23ddc3888a6d4f52a53','CUSTOMER','{}',NULL,0,NULL,NULL,0,NULL,5);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/3c7772b5-fccd-4109-8997-eb371031521e','ECC_NIST_P256','SIGN_VERIFY','AWS_KMS','Enabled',1767614460000000,'','{
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
}','1ef6578e800fbbe749b9fc857067650c78d20d1dd8f451a863edead9226a2284','CUSTOMER','{}',NULL,0,NULL,NULL,0,NULL,9);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/ca9753e5-3cf5-41e9-8c23-23285cedf179','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','PendingDeletion',1767614460000000,'','{
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
}','a5bd503d337c87421106fbd09f4dd09fa009e73b1bd13e88741087e402ccf9e1','CUSTOMER','{}',1768219260000000,0,NULL,NULL,0,1768219260000000,16);
CREATE TABLE kmslab (
	schema INTEGER,
	changes BIGINT
);
INSERT INTO "kmslab" VALUES(2,16);
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
INSERT INTO "material" VALUES('us-east-1/d399e112286252774a0ddf30ebb3ee4bef765dc5d49ad01ee766678425d965fa','arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9','SYMMETRIC_DEFAULT','5c7ad46a719a3a41655d4a4fe993daa7',X'866608958FD8FFD92F44F34C6D7B4EED037FFCE5C5565E6A71276F525815C7B9655CDD0012486F3E440FBE0AB1F24367E2B8FB1C81DED4DC382A3907',X'',0,1767614400000000,'',2);
INSERT INTO "material" VALUES('eu-west-1/c3d9e6927f8077b290f860a9db3703e7bfa4f5f48fc8d23ddc3888a6d4f52a53','arn:aws:kms:eu-west-1:111122223333:key/779c664f-9506-4267-877c-d8f143eb5bc4','SYMMETRIC_DEFAULT','d175c117bb0b9004c0bae0d2a01970c5',X'27AB9208A5E821BD0245FD39F0B54B7A45C54707C8AC4A58FC797BE917FDEEA2853AF0D10476D96E19344B512BB8CF8CA8059510028D2EE2BFCAB8A8',X'',0,1767614400000000,'',4);
INSERT INTO "material" VALUES('us-east-1/c74cfe098272b8cad9a848443291d9485ac7d684b929cade937abfb38e5580d9','arn:aws:kms:us-east-1:111122223333:key/3efaa588-d8d0-41e8-af5b-7a6ae5689fa9','SYMMETRIC_DEFAULT','5c7ad46a719a3a41655d4a4fe993daa7',X'2A6361D27D4A1F0A35C3AFFCD5BCE34454E6757FC4C9AA1D5827BDC9A8D6C0DCB8EA9A0DD766E571491A5DC385B5A8AE85C745D90143D57549B04C94',X'',1,1767614400000000,'ON_DEMAND',8);
INSERT INTO "material" VALUES('us-east-1/1ef6578e800fbbe749b9fc857067650c78d20d1dd8f451a863edead9226a2284','arn:aws:kms:us-east-1:111122223333:key/3c7772b5-fccd-4109-8997-eb371031521e','ECC_NIST_P256','5c7ad46a719a3a41655d4a4fe993daa7',X'BE4813685C47CA368078B79911D7ACD65A7A62D70B72C457FAFB6C617D8D88E03DCD7DA6D0C1600824E0AA605239BF98D9B7F17869841EB4AA63A2C07C2970D69354252165BFC9F000623FA35E89085EAD186EF9784C14A2D9820CD1885BE3C4D1DFEAED727BF8730C2943DB7756E8C8DD5E1B78E5CC89012BBFEBE12D474A534897A289E7259424706092091A4FF352366EDE4C3E5CA2B49F63EFFE589DF08EFCB2248A2EEB',X'3059301306072A8648CE3D020106082A8648CE3D0301070342000434DC778D17FF9C08E940186013346DE5F71EFB2FA22EF61258D9F99B64591EEE813BB103AD84052C44702FC581F6DE9DFAC5501968DBCBA5EB5C18F38084AC11',0,1767614460000000,'',9);
INSERT INTO "material" VALUES('us-east-1/a5bd503d337c87421106fbd09f4dd09fa009e73b1bd13e88741087e402ccf9e1','arn:aws:kms:us-east-1:111122223333:key/ca9753e5-3cf5-41e9-8c23-23285cedf179','SYMMETRIC_DEFAULT','5c7ad46a719a3a41655d4a4fe993daa7',X'56AE217023A97C1499BF319B2254C8DA376EE2649D83EED1BBCCF129AA52B492F954C7B32EB747C8361DAC99A9EA13AD6049D79E9D31A30B7FE7BC2A',X'',0,1767614460000000,'',15);
CREATE TABLE principal (
	arn VARCHAR NOT NULL,
	policy VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (arn)
);
INSERT INTO "principal" VALUES('arn:aws:iam::111122223333:role/job','',1767614460000000,11);
INSERT INTO "principal" VALUES('arn:aws:iam::111122223333:user/alice','',1767614460000000,13);
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
CREATE INDEX grant_by_key ON grant ("key", handle);
CREATE INDEX event_by_used_too ON event (used_too, sequence) WHERE used_too IS NOT NULL;
CREATE INDEX event_by_used ON event (used, sequence);
COMMIT;
