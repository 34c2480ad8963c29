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
INSERT INTO "access_key" VALUES('AKIAIHA4GZDQYMROILNI','arn:aws:iam::111122223333:root',X'930ED6ACADE71307E4B4F98744597FFDE3A22216D700F7FCB6C649F1DBEA6B677E24FDDDCFA4BBF9A0EA96874678122821488E57D64B8C61F9D6DD22BD02BFABCCD502001ACDC0CD1E8BB610C3E5F63C5122AF9E','',NULL,1767614460000000,11);
INSERT INTO "access_key" VALUES('ASIA4ZGY7D2CEMFUVYNG','arn:aws:sts::111122223333:assumed-role/job/lab',X'930ED6ACADE71307E4B4F98744597FFD383F256063E6C72F4883167736A17AF5F7959FBEDA2F6167A31716EC2844F6BAD54A70F359C2E0D40A658D9E03D29BB6B4C6901A60D726730402077DC383FBF5D526062B','7ec313dcddbd00c8f8d2c6f81e4e7c5c4afc0020a6ef3581d53a1e6de0c25adb',1796085152476187,1767614460000000,13);
CREATE TABLE alias (
	arn VARCHAR NOT NULL,
	target VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (arn)
);
INSERT INTO "alias" VALUES('arn:aws:kms:us-east-1:111122223333:alias/orders','arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd',1767614400000000,1767614400000000,3);
INSERT INTO "alias" VALUES('arn:aws:kms:eu-west-1:111122223333:alias/orders','arn:aws:kms:eu-west-1:111122223333:key/5f51c9d7-8875-46a9-8a21-c9ca534e6a71',1767614460000000,1767614460000000,8);
INSERT INTO "alias" VALUES('arn:aws:kms:us-east-1:111122223333:alias/held','arn:aws:kms:us-east-1:111122223333:key/ab456d32-f721-4905-8cfa-e9b5f4cb3f61',1767614465000000,1767614465000000,23);
CREATE TABLE domain_key (
	id VARCHAR NOT NULL,
	region VARCHAR NOT NULL,
	wrapped BLOB NOT NULL,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "domain_key" VALUES('edd937c2af596cbd9196bdb1dc73912e','us-east-1',X'468D6BBBD6EACD41078463D11DD6F30259B2A8E23789A677B661E663FB0C3D1B414A8E35D1D61F828A3C5BFA1FE9B861A5F8A75972B5E643149B4A04',1767614400000000,2);
INSERT INTO "domain_key" VALUES('9dbfae309d53b8627445543a0a7143b5','eu-west-1',X'EFBA2C01054030F934146FDBE750F3A4A2B4B033527AAAEFCE751B719C714D50E81B316912631AD3EBCAB2CEBFEDBA5B364B3D6EF5484F4C91CDB201',1767614460000000,7);
INSERT INTO "domain_key" VALUES('930ed6acade71307e4b4f98744597ffd','protected',X'96E0DAA261B84794142B3C91B99C9F30C4FBDB391ADED0912A6987D03B2771B24BFA852F3114E2997745383F53BA27A772C416A21A446057503DC4FE',1796081552465445,10);
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
INSERT INTO "event" VALUES(1,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["DescribeKey","arn:aws:iam::111122223333:root","111122223333","b992f36f-2535-460d-aba4-d147d1213267","","",[],{"keyId":"alias/orders"},null,[],{},"NotFoundException","Alias arn:aws:kms:us-east-1:111122223333:alias/orders is not found."]');
INSERT INTO "event" VALUES(2,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","c3cd020e-8f91-4725-a0f5-2089819db59b","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":"\u00c4rzte, \uc5f4\uc1e0"},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"81e78a17-5c8b-42d6-89e4-59df408ad0fd","arn":"arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd","creationDate":"Jan 5, 2026, 12:00:00 PM","enabled":true,"description":"\u00c4rzte, \uc5f4\uc1e0","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"aa75449d3257b4da88235613f853766553a0bb1c940b075d7a498a611e2ce334"}},["arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd"],{},"",""]');
INSERT INTO "event" VALUES(3,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["CreateAlias","arn:aws:iam::111122223333:root","111122223333","3c533fd7-d02e-4751-a4e2-321a3d7f0c55","","",[],{"aliasName":"alias/orders","targetKeyId":"arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd"},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd"},["arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd","arn:aws:kms:us-east-1:111122223333:alias/orders"],{},"",""]');
INSERT INTO "event" VALUES(4,1767614400000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","8500fe18-de78-464e-abfe-cfb4afbecb63","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"order":"17"}},null,["arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd"],{"keyMaterialId":"aa75449d3257b4da88235613f853766553a0bb1c940b075d7a498a611e2ce334"},"",""]');
INSERT INTO "event" VALUES(5,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["RotateKeyOnDemand","arn:aws:iam::111122223333:root","111122223333","64111ec5-46d5-4c6c-a2c4-670d2f566282","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd"},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd"},["arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd"],{},"",""]');
INSERT INTO "event" VALUES(6,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["RotateKey","","111122223333","82b8c13c-c8c2-4843-acf0-bfb43693dab6","","",[],null,null,["arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd"],{"rotationType":"ON_DEMAND","keyOrigin":"AWS_KMS","previousKeyMaterialId":"aa75449d3257b4da88235613f853766553a0bb1c940b075d7a498a611e2ce334","currentKeyMaterialId":"7a371235cb6deb9be9ba87158e0023f6ff869c75f457b72ed7d9f18dfa362a9a","keyId":"81e78a17-5c8b-42d6-89e4-59df408ad0fd"},"",""]');
INSERT INTO "event" VALUES(7,1767614460000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","bba8931c-064e-480f-ab49-7dfa100f2e69","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"order":"17"}},null,["arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd"],{"keyMaterialId":"7a371235cb6deb9be9ba87158e0023f6ff869c75f457b72ed7d9f18dfa362a9a"},"",""]');
INSERT INTO "event" VALUES(8,1767614460000000,'111122223333','eu-west-1',NULL,NULL,'["DescribeKey","arn:aws:iam::111122223333:root","111122223333","648fa494-11b8-4593-aa60-997c74228083","","",[],{"keyId":"alias/orders"},null,[],{},"NotFoundException","Alias arn:aws:kms:eu-west-1:111122223333:alias/orders is not found."]');
INSERT INTO "event" VALUES(9,1767614460000000,'111122223333','eu-west-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","57d98c66-cd62-4c84-afc1-1b7bbfdd1724","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":""},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"5f51c9d7-8875-46a9-8a21-c9ca534e6a71","arn":"arn:aws:kms:eu-west-1:111122223333:key/5f51c9d7-8875-46a9-8a21-c9ca534e6a71","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"b2c6a8915308881a611d792d2ec9d396662cb4fe3fd8484192ee2e8524378480"}},["arn:aws:kms:eu-west-1:111122223333:key/5f51c9d7-8875-46a9-8a21-c9ca534e6a71"],{},"",""]');
INSERT INTO "event" VALUES(10,1767614460000000,'111122223333','eu-west-1',NULL,NULL,'["CreateAlias","arn:aws:iam::111122223333:root","111122223333","e3c6d075-1ba7-4162-a208-e4dc7de48e4f","","",[],{"aliasName":"alias/orders","targetKeyId":"arn:aws:kms:eu-west-1:111122223333:key/5f51c9d7-8875-46a9-8a21-c9ca534e6a71"},{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/5f51c9d7-8875-46a9-8a21-c9ca534e6a71"},["arn:aws:kms:eu-west-1:111122223333:key/5f51c9d7-8875-46a9-8a21-c9ca534e6a71","arn:aws:kms:eu-west-1:111122223333:alias/orders"],{},"",""]');
INSERT INTO "event" VALUES(11,1767614460000000,'111122223333','eu-west-1','arn:aws:kms:eu-west-1:111122223333:key/5f51c9d7-8875-46a9-8a21-c9ca534e6a71',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","61d9526d-10fb-431c-aa7e-cc0d62de0089","","",[],{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/5f51c9d7-8875-46a9-8a21-c9ca534e6a71","encryptionAlgorithm":"SYMMETRIC_DEFAULT"},null,["arn:aws:kms:eu-west-1:111122223333:key/5f51c9d7-8875-46a9-8a21-c9ca534e6a71"],{"keyMaterialId":"b2c6a8915308881a611d792d2ec9d396662cb4fe3fd8484192ee2e8524378480"},"",""]');
INSERT INTO "event" VALUES(12,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","42d19f63-f9da-47f9-a3f5-0a7ccf932285","","",[],{"keySpec":"ECC_NIST_P256","keyUsage":"SIGN_VERIFY","description":""},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"0ced5fcc-589e-4fe3-be97-2fcf28201dc0","arn":"arn:aws:kms:us-east-1:111122223333:key/0ced5fcc-589e-4fe3-be97-2fcf28201dc0","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"SIGN_VERIFY","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"ECC_NIST_P256","keySpec":"ECC_NIST_P256","signingAlgorithms":["ECDSA_SHA_256"],"multiRegion":false}},["arn:aws:kms:us-east-1:111122223333:key/0ced5fcc-589e-4fe3-be97-2fcf28201dc0"],{},"",""]');
INSERT INTO "event" VALUES(13,1767614460000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/0ced5fcc-589e-4fe3-be97-2fcf28201dc0',NULL,'["Sign","arn:aws:iam::111122223333:root","111122223333","61c5904e-75f7-41a4-a470-6d0dcf7fb6d4","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/0ced5fcc-589e-4fe3-be97-2fcf28201dc0","messageType":"RAW","signingAlgorithm":"ECDSA_SHA_256"},null,["arn:aws:kms:us-east-1:111122223333:key/0ced5fcc-589e-4fe3-be97-2fcf28201dc0"],{},"",""]');
INSERT INTO "event" VALUES(14,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateGrant","arn:aws:iam::111122223333:root","111122223333","cde87a12-9ae6-473d-ab91-b06f8b1de64e","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd","granteePrincipal":"arn:aws:iam::111122223333:user/alice","operations":["Decrypt"]},{"grantId":"ed2eab5e081952e3358c65f6ffc873a2d187b925e0725e26fe12e67384b0039e"},["arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd"],{},"",""]');
INSERT INTO "event" VALUES(15,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","0ae9ffd5-bf15-4f7d-a4bb-7db734046910","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":""},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"38b3a242-8c46-48cd-909d-cdf7c726cf44","arn":"arn:aws:kms:us-east-1:111122223333:key/38b3a242-8c46-48cd-909d-cdf7c726cf44","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"23f1ac9a5e50b3ee76900a80343df13030df65e8c685b2c69b406e94ff11646f"}},["arn:aws:kms:us-east-1:111122223333:key/38b3a242-8c46-48cd-909d-cdf7c726cf44"],{},"",""]');
INSERT INTO "event" VALUES(16,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["ScheduleKeyDeletion","arn:aws:iam::111122223333:root","111122223333","00f70b88-35c3-4630-a5a3-8047f84270e1","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/38b3a242-8c46-48cd-909d-cdf7c726cf44","pendingWindowInDays":7},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/38b3a242-8c46-48cd-909d-cdf7c726cf44","pendingWindowInDays":7,"deletionDate":"Jan 12, 2026, 12:01:00 PM","keyState":"PendingDeletion"},["arn:aws:kms:us-east-1:111122223333:key/38b3a242-8c46-48cd-909d-cdf7c726cf44"],{},"",""]');
INSERT INTO "event" VALUES(17,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["DescribeCustomKeyStores","arn:aws:iam::111122223333:root","111122223333","25097ae9-4671-4ab5-a8fc-5f9ae6349501","","",[],{"customKeyStoreName":"cluster"},null,[],{},"CustomKeyStoreNotFoundException","The custom key store is not found."]');
INSERT INTO "event" VALUES(18,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateCustomKeyStore","arn:aws:iam::111122223333:root","111122223333","5b1c909e-9482-4786-a0c2-76abbccabaaa","","",[],{"customKeyStoreName":"cluster","cloudHsmClusterId":"cluster-smu64y4x7pr","trustAnchorCertificate":"-----BEGIN CERTIFICATE-----\nMIIBnzCCAUSgAwIBAgIUF/i13vo2+AxGGR2AiQOXM3MVP7cwCgYIKoZIzj0EAwIw\nGzEZMBcGA1UEAwwQa21zbGFiIGF1dGhvcml0eTAeFw0yNjAxMDUxMTAxMDBaFw0y\nNzAxMDUxMjAxMDBaMBsxGTAXBgNVBAMMEGttc2xhYiBhdXRob3JpdHkwWTATBgcq\nhkjOPQIBBggqhkjOPQMBBwNCAASOh6PWJ1clqLgL2dXPQ+YlOaVna9xBWewHVnGf\n2uXPL+mSQjhtHJ/WAUrG2FmVVVhdnQPHaW4SCtnyPxpm1BONo2YwZDAdBgNVHQ4E\nFgQUHCJ4Ngf6nfvJhVRIBh+XP2qVK9AwHwYDVR0jBBgwFoAUHCJ4Ngf6nfvJhVRI\nBh+XP2qVK9AwEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMCAQYwCgYI\nKoZIzj0EAwIDSQAwRgIhAI7eUGs68cXST9lJgh+LPybXgfimjDmavx55AtoIAtm+\nAiEA3/5BucBwnG5HHISY2elTCci0n/Hb6I9TFN4FS5REgUY=\n-----END CERTIFICATE-----\n"},{"customKeyStoreId":"cks-8a8f05371e0076bad"},[],{},"",""]');
INSERT INTO "event" VALUES(19,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["DescribeCustomKeyStores","arn:aws:iam::111122223333:root","111122223333","4153300f-ea05-458c-a737-03f75975ff2e","","",[],{"customKeyStoreName":"cluster"},null,[],{},"",""]');
INSERT INTO "event" VALUES(20,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["DescribeCustomKeyStores","arn:aws:iam::111122223333:root","111122223333","c616ad64-b3de-46ca-a272-db15e9084b63","","",[],{"customKeyStoreId":"cks-8a8f05371e0076bad"},null,[],{},"",""]');
INSERT INTO "event" VALUES(21,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["DescribeCustomKeyStores","arn:aws:iam::111122223333:root","111122223333","a8469d50-3a56-4c39-aad2-67a26ea45ee7","","",[],{"customKeyStoreId":"cks-8a8f05371e0076bad"},null,[],{},"",""]');
INSERT INTO "event" VALUES(22,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["ConnectCustomKeyStore","arn:aws:iam::111122223333:root","111122223333","bf261b35-cdc8-49cf-a6f6-5fcb26603527","","",[],{"customKeyStoreId":"cks-8a8f05371e0076bad"},null,[],{},"",""]');
INSERT INTO "event" VALUES(23,1767614465000000,'111122223333','us-east-1',NULL,NULL,'["DescribeCustomKeyStores","arn:aws:iam::111122223333:root","111122223333","7f03a341-b096-483d-a42e-1ce84fc2c436","","",[],{"customKeyStoreId":"cks-8a8f05371e0076bad"},null,[],{},"",""]');
INSERT INTO "event" VALUES(24,1767614465000000,'111122223333','us-east-1',NULL,NULL,'["DescribeKey","arn:aws:iam::111122223333:root","111122223333","b23becbb-cd86-4d09-ab32-6db39c576112","","",[],{"keyId":"alias/held"},null,[],{},"NotFoundException","Alias arn:aws:kms:us-east-1:111122223333:alias/held is not found."]');
INSERT INTO "event" VALUES(25,1767614465000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","31f8c848-c815-4927-ac75-cf5dea3f6489","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":"","origin":"AWS_CLOUDHSM","customKeyStoreId":"cks-8a8f05371e0076bad"},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"ab456d32-f721-4905-8cfa-e9b5f4cb3f61","arn":"arn:aws:kms:us-east-1:111122223333:key/ab456d32-f721-4905-8cfa-e9b5f4cb3f61","creationDate":"Jan 5, 2026, 12:01:05 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_CLOUDHSM","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"customKeyStoreId":"cks-8a8f05371e0076bad","cloudHsmClusterId":"cluster-smu64y4x7pr"}},["arn:aws:kms:us-east-1:111122223333:key/ab456d32-f721-4905-8cfa-e9b5f4cb3f61"],{},"",""]');
INSERT INTO "event" VALUES(26,1767614465000000,'111122223333','us-east-1',NULL,NULL,'["CreateAlias","arn:aws:iam::111122223333:root","111122223333","dedbc9b3-198a-454b-a75e-fc180d9549eb","","",[],{"aliasName":"alias/held","targetKeyId":"arn:aws:kms:us-east-1:111122223333:key/ab456d32-f721-4905-8cfa-e9b5f4cb3f61"},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/ab456d32-f721-4905-8cfa-e9b5f4cb3f61"},["arn:aws:kms:us-east-1:111122223333:key/ab456d32-f721-4905-8cfa-e9b5f4cb3f61","arn:aws:kms:us-east-1:111122223333:alias/held"],{},"",""]');
INSERT INTO "event" VALUES(27,1767614465000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/ab456d32-f721-4905-8cfa-e9b5f4cb3f61',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","9ac35481-c6de-4c77-aace-a821a5b53e05","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/ab456d32-f721-4905-8cfa-e9b5f4cb3f61","encryptionAlgorithm":"SYMMETRIC_DEFAULT"},null,["arn:aws:kms:us-east-1:111122223333:key/ab456d32-f721-4905-8cfa-e9b5f4cb3f61"],{"keyMaterialId":"1d502cc529e6951353cadf78990c547d73dec2f29d787bb3ef2416c5822293c5","customKeyStoreId":"cks-8a8f05371e0076bad"},"",""]');
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
INSERT INTO "grant" VALUES('arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd/ed2eab5e081952e3358c65f6ffc873a2d187b925e0725e26fe12e67384b0039e','arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd','arn:aws:iam::111122223333:user/alice','','["Decrypt"]','{}','','','arn:aws:iam::111122223333:root',1767614460000000,15);
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
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','Enabled',1767614400000000,'Ärzte, 열쇠','{
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
}','7a371235cb6deb9be9ba87158e0023f6ff869c75f457b72ed7d9f18dfa362a9a','CUSTOMER','{}',NULL,0,NULL,NULL,1,0,NULL,NULL,'',NULL,0,'','',NULL,6);
INSERT INTO "key" VALUES('arn:aws:kms:eu-west-1:111122223333:key/5f51c9d7-8875-46a9-8a21-c9ca534e6a71','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','Enabled',1767614460000000,'','{
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
}','b2c6a8915308881a611d792d2ec9d396662cb4fe3fd8484192ee2e8524378480','CUSTOMER','{}',NULL,0,NULL,NULL,0,0,NULL,NULL,'',NULL,0,'','',NULL,8);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/0ced5fcc-589e-4fe3-be97-2fcf28201dc0','ECC_NIST_P256','SIGN_VERIFY','AWS_KMS','Enabled',1767614460000000,'','{
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
}','5676ea72a6592ad8e12c22184acce29a4b40e05f63329443da076f94f37adb67','CUSTOMER','{}',NULL,0,NULL,NULL,0,0,NULL,NULL,'',NULL,0,'','',NULL,9);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/38b3a242-8c46-48cd-909d-cdf7c726cf44','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','PendingDeletion',1767614460000000,'','{
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
}','23f1ac9a5e50b3ee76900a80343df13030df65e8c685b2c69b406e94ff11646f','CUSTOMER','{}',1768219260000000,0,NULL,NULL,0,0,NULL,NULL,'',NULL,0,'','',1768219260000000,17);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/ab456d32-f721-4905-8cfa-e9b5f4cb3f61','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_CLOUDHSM','Enabled',1767614465000000,'','{
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
}','1d502cc529e6951353cadf78990c547d73dec2f29d787bb3ef2416c5822293c5','CUSTOMER','{}',NULL,0,NULL,NULL,0,0,NULL,NULL,'',NULL,0,'111122223333/us-east-1/cks-8a8f05371e0076bad','',NULL,23);
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
INSERT INTO "key_store" VALUES('111122223333/us-east-1/cks-8a8f05371e0076bad','cluster','AWS_CLOUDHSM',1767614460000000,'CONNECTED',1767614465000000,'','cluster-smu64y4x7pr','-----BEGIN CERTIFICATE-----
MIIBnzCCAUSgAwIBAgIUF/i13vo2+AxGGR2AiQOXM3MVP7cwCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQa21zbGFiIGF1dGhvcml0eTAeFw0yNjAxMDUxMTAxMDBaFw0y
NzAxMDUxMjAxMDBaMBsxGTAXBgNVBAMMEGttc2xhYiBhdXRob3JpdHkwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAASOh6PWJ1clqLgL2dXPQ+YlOaVna9xBWewHVnGf
2uXPL+mSQjhtHJ/WAUrG2FmVVVhdnQPHaW4SCtnyPxpm1BONo2YwZDAdBgNVHQ4E
FgQUHCJ4Ngf6nfvJhVRIBh+XP2qVK9AwHwYDVR0jBBgwFoAUHCJ4Ngf6nfvJhVRI
Bh+XP2qVK9AwEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMCAQYwCgYI
KoZIzj0EAwIDSQAwRgIhAI7eUGs68cXST9lJgh+LPybXgfimjDmavx55AtoIAtm+
AiEA3/5BucBwnG5HHISY2elTCci0n/Hb6I9TFN4FS5REgUY=
-----END CERTIFICATE-----
','','','','','','',X'930ED6ACADE71307E4B4F98744597FFD599872CEDB1A67E4CE838A589D12124AE93BB62A69DBD4260069F77DC723AA1AA9472C5778000867192AAA14',21);
CREATE TABLE kmslab (
	schema INTEGER,
	changes BIGINT
);
INSERT INTO "kmslab" VALUES(6,24);
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
INSERT INTO "material" VALUES('us-east-1/aa75449d3257b4da88235613f853766553a0bb1c940b075d7a498a611e2ce334','arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd','SYMMETRIC_DEFAULT','edd937c2af596cbd9196bdb1dc73912e',X'B82CF8BCA5B78D27CF863490361E6C68667B424D07A3FADBE687CDB534F3E641CC24920D06378CEEC3BC5ED4B2A3BC40740AC027332DCF00733B8E2D',X'',0,1767614400000000,'',0,NULL,'',2);
INSERT INTO "material" VALUES('us-east-1/7a371235cb6deb9be9ba87158e0023f6ff869c75f457b72ed7d9f18dfa362a9a','arn:aws:kms:us-east-1:111122223333:key/81e78a17-5c8b-42d6-89e4-59df408ad0fd','SYMMETRIC_DEFAULT','edd937c2af596cbd9196bdb1dc73912e',X'F95FC87F9070C9AF49D568A77645D2EA35F7932F614FF4D1BC5E1DAFEA3B510975230071C4AAB2AEC92580DC8C02BC2DA2F2CA115CAA28680164865B',X'',1,1767614400000000,'ON_DEMAND',0,NULL,'',6);
INSERT INTO "material" VALUES('eu-west-1/b2c6a8915308881a611d792d2ec9d396662cb4fe3fd8484192ee2e8524378480','arn:aws:kms:eu-west-1:111122223333:key/5f51c9d7-8875-46a9-8a21-c9ca534e6a71','SYMMETRIC_DEFAULT','9dbfae309d53b8627445543a0a7143b5',X'DCCB1D3FE30DE6F4C35B7316A68FF1A66FBD747DA5CE4B7526732E50FCBC73C918739C78A381E7BEA295EA9E20C07E1A39507B2FE346B5FBC0F2F9F2',X'',0,1767614460000000,'',0,NULL,'',7);
INSERT INTO "material" VALUES('us-east-1/5676ea72a6592ad8e12c22184acce29a4b40e05f63329443da076f94f37adb67','arn:aws:kms:us-east-1:111122223333:key/0ced5fcc-589e-4fe3-be97-2fcf28201dc0','ECC_NIST_P256','edd937c2af596cbd9196bdb1dc73912e',X'2A9B2F6682F7BBD98A46FB4CDECFA5994082A4E4C0811DA1F31F7C2DE9CE51590EEB3AB43F614DD39E2C7D1FACE2E81BA651D36C2D4B162ADA58406626D35066AA4B9A85C45381DF8E5CF49D0271B2910421A390ECC0731C56157A7A99910182AD219CFD0E84BB1A61F20BD2511CC6620657B906055ECEC4D9D6D8E8AC4F1A50D077DAD491D7ED5D8E3AD2990DD7E14B43E428A12268D43CD7F308178B55611316C856A2F977',X'3059301306072A8648CE3D020106082A8648CE3D03010703420004B3C61916B2047D69DD5DE905815BE10E252D78CD4CE48E1FA5A6E2986CB8467C6194DFC964CD91E749C3531663D9989F9BD90CBC51EB95CB375FA4C3500C7968',0,1767614460000000,'',0,NULL,'',9);
INSERT INTO "material" VALUES('us-east-1/23f1ac9a5e50b3ee76900a80343df13030df65e8c685b2c69b406e94ff11646f','arn:aws:kms:us-east-1:111122223333:key/38b3a242-8c46-48cd-909d-cdf7c726cf44','SYMMETRIC_DEFAULT','edd937c2af596cbd9196bdb1dc73912e',X'EBF11E9BF526B6B6F6F27A63331BE400D582F3CA7A02611A8FD357CE58FBCF34123A0A90E35AA6292F2A2D01EB9BD6D2938AA364F107B07700E19913',X'',0,1767614460000000,'',0,NULL,'',16);
INSERT INTO "material" VALUES('us-east-1/1d502cc529e6951353cadf78990c547d73dec2f29d787bb3ef2416c5822293c5','arn:aws:kms:us-east-1:111122223333:key/ab456d32-f721-4905-8cfa-e9b5f4cb3f61','SYMMETRIC_DEFAULT','edd937c2af596cbd9196bdb1dc73912e',X'ABC596E9C9652C933B4E38B6F5FBC30CC97D3FE212349F3E5D976F1A7ACB2ABF4BC16ED390343D535A2B82393D905897C1378B077303A0995B0262EE',X'',0,1767614465000000,'',0,NULL,'',22);
CREATE TABLE principal (
	arn VARCHAR NOT NULL,
	path VARCHAR NOT NULL,
	policy VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (arn)
);
INSERT INTO "principal" VALUES('arn:aws:iam::111122223333:role/job','','',1767614460000000,12);
INSERT INTO "principal" VALUES('arn:aws:iam::111122223333:user/alice','','',1767614460000000,14);
CREATE TABLE setting (
	name VARCHAR NOT NULL,
	value VARCHAR NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (name)
);
INSERT INTO "setting" VALUES('clock offset','65000000',3);
INSERT INTO "setting" VALUES('root key','{"check": "GpF5UY9uzKShUBYyYFIv7KLGI8Cm8e0RdtwzAQ=="}',4);
INSERT INTO "setting" VALUES('cloudhsm/cluster-smu64y4x7pr','{"modules": 2, "trust_anchor": "-----BEGIN CERTIFICATE-----\nMIIBnzCCAUSgAwIBAgIUF/i13vo2+AxGGR2AiQOXM3MVP7cwCgYIKoZIzj0EAwIw\nGzEZMBcGA1UEAwwQa21zbGFiIGF1dGhvcml0eTAeFw0yNjAxMDUxMTAxMDBaFw0y\nNzAxMDUxMjAxMDBaMBsxGTAXBgNVBAMMEGttc2xhYiBhdXRob3JpdHkwWTATBgcq\nhkjOPQIBBggqhkjOPQMBBwNCAASOh6PWJ1clqLgL2dXPQ+YlOaVna9xBWewHVnGf\n2uXPL+mSQjhtHJ/WAUrG2FmVVVhdnQPHaW4SCtnyPxpm1BONo2YwZDAdBgNVHQ4E\nFgQUHCJ4Ngf6nfvJhVRIBh+XP2qVK9AwHwYDVR0jBBgwFoAUHCJ4Ngf6nfvJhVRI\nBh+XP2qVK9AwEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMCAQYwCgYI\nKoZIzj0EAwIDSQAwRgIhAI7eUGs68cXST9lJgh+LPybXgfimjDmavx55AtoIAtm+\nAiEA3/5BucBwnG5HHISY2elTCci0n/Hb6I9TFN4FS5REgUY=\n-----END CERTIFICATE-----\n", "digest": "cf4bfd414c58e6ee01ee96b5637ee01dea3163ddf44ab343ed7d4d8f553c3347"}',18);
INSERT INTO "setting" VALUES('key stores of 111122223333/us-east-1/','',19);
INSERT INTO "setting" VALUES('attestation root','kw7WrK3nEwfktPmHRFl//USxHiIAe2/gYWx2iEyY4zeYP6D1aQjzrNgCPBsC6HpuSWWiNyHcUiMRbbu1FoA8BwYwQshznV3jmCOCbPCXAsKkjuT25+LIee5QH88mFy/d5oJy/JoAuU7RVIEnBnyCJ95ZnnoIueD0e50thoxsPmMbV3f2DGskPDylpuPnn9jA8p5muZznydJxUlVLOKwotJ4tvKB/bNpjMVQaFZtd/6cftNBNSU0mqc4fv7oOLzwPiDoxkRIHPdr7S09oHEUKb39z1V+bPQmWJGiGD76d1UQX/pZz7KlVOSlDQjZjX8sZAilnt3mHBcs8lBy1KVTiBhcEbQXRt90pPZUQoVGMfKaDvZbzkB4g16HNe0of9hCZgqYFoQbbU/p2lx4q+nlmxM7I9YHZ7IHzXMJplykgij89436K6+W40onCxwvUPySBNTUBb51Or/gd4hPlSbFNjgz259cnYA5dBSGSLnMLTn6mWei7HYDLFK+fg2JTx+9sCQsaNkKXz4nOBUA0YalmUtB6DFuq6EhtFEkhQixM8oFDTCOBLw7HwfHjbdJWU/n5TrGOZhiGXJKOtie3MvWbwimXfPxQr7hsvWYAm2exJD+chTjaSELn+aAvgq9mEpg8p0uEXtzVY+wrW/KdZAHLHePwXYkN5T1pgiCHK+CcMglXIbi6Q82CPrDql/ANo3tMT1G03Cyznl/r/7ABQ6KQAznqYhm27kL+1rQw2b/U96vR7pT3ObrScWet2ayj10RTx9QwbmPit6bw5+bYsuXLqL1heDxqQ7wtqP9bqB4gH35+IAk1EmMe+6RhSeMPui2tn+P8wHxjxMO1QAe0Xie+m/ESjxjW5CoSo+LdZqeyzT/zPLZpeGerpXQfO9JU4YFr8xYqw8a3VZHqoAC5D+7rsP6XP/q6GZ1525/Lpvool64tVGXhrNgaESNF66Hiq0iDR6Vq0zE35330wpZ1pmv0ucAxMxroVlQZesAzT/6Qc2ui4LQG8xgBA+tEsS7brcDtR8BLRlzgneDMfg7oguy77G1kECAbT9lem/pA0RQ7CYspwrBnbQZxE0yCPzigLe3PCctK1jQg1Ft0wil9Gb0TXpd0OiXn2f2ZD18PQaDcIXZqDa4tLmpDzFQN9m8r80psjXhb6LlF2fO3A/lnoW9qWCPmez0+mOavFXFfxqi4CaMOQAEL+XOlmX5UeXkVXXVf+pg878Z4LNeTPYoDG/IG7NkjhXRBckGF9OCtrSsr56yxPCpJ2DR98/fIE1t94Z9/70YAjiYwR6vw6QbEWqcEYVJtfhOv1H/eHXvqbaeLXCX8yOt3H7hTGkCSGJ5EQr4RiXLpUyM9+JLDmWOi09x/cfTVXSJ9T9QIXyeTazkk4ci4H2ZSmuyRnZp6AQtikHHGmK3Rr3HFVBIfkLwhVg9iiQQFDb/f/DfziK1Gkt/Olw==',24);
CREATE INDEX key_by_primary_arn ON "key" (primary_arn, arn);
CREATE INDEX key_by_due ON "key" (due, arn);
CREATE INDEX key_by_store_and_external_key ON "key" (store, external_key, arn);
CREATE INDEX material_by_key ON material ("key", handle);
CREATE INDEX domain_key_by_region ON domain_key (region, id);
CREATE INDEX alias_by_target ON alias (target, arn);
CREATE INDEX access_key_by_principal ON access_key (principal, id);
CREATE INDEX grant_by_key_and_grantee ON grant ("key", grantee, handle);
CREATE INDEX grant_by_retiring ON grant (retiring, handle);
CREATE INDEX key_store_by_type ON key_store (type, handle);
CREATE INDEX event_by_used_too ON event (used_too, sequence) WHERE used_too IS NOT NULL;
CREATE INDEX event_by_used ON event (used, sequence);
COMMIT;
