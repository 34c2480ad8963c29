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
INSERT INTO "access_key" VALUES('AKIA6BXMVGTQQNUS366J','arn:aws:iam::111122223333:root',X'8E27F65BE15B98361421E49F5BDB0936D46274CE6440B1CCB7FF36D2FEB764A7E63C10107347201D15FE464196B33ADF9DD6015A5BEC8E8E3A4D8008E9A230510ACBFCB8C14FB346A65FFF891942C7B558BA78E7','',NULL,1767614460000000,11);
INSERT INTO "access_key" VALUES('ASIA7VCLRQOROQ5TKYIX','arn:aws:sts::111122223333:assumed-role/job/lab',X'8E27F65BE15B98361421E49F5BDB0936B26FA971CEBD9297510919FFA2294AF0D9E17257B5394B8BEC2FC2DB0C045C6E6168884504EFF440EC7A30FE68B86C7DF2FE90A561F790DE00952EC6FBF471CB958D0176','c7222b77198d722b76691958c0f1d7f4af3dac91759e006264670d338594628a',1796087065374759,1767614460000000,13);
CREATE TABLE alias (
	arn VARCHAR NOT NULL,
	target VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (arn)
);
INSERT INTO "alias" VALUES('arn:aws:kms:us-east-1:111122223333:alias/orders','arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd',1767614400000000,1767614400000000,3);
INSERT INTO "alias" VALUES('arn:aws:kms:eu-west-1:111122223333:alias/orders','arn:aws:kms:eu-west-1:111122223333:key/45b6e7c7-74ae-4251-a485-d67b38af5236',1767614460000000,1767614460000000,8);
INSERT INTO "alias" VALUES('arn:aws:kms:us-east-1:111122223333:alias/held','arn:aws:kms:us-east-1:111122223333:key/8a988288-50e0-4dc1-bff7-479bde98e5db',1767614465000000,1767614465000000,23);
CREATE TABLE domain_key (
	id VARCHAR NOT NULL,
	region VARCHAR NOT NULL,
	wrapped BLOB NOT NULL,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "domain_key" VALUES('5825080e339beeea656d79d520cfcc15','us-east-1',X'AD82BAD51ED9FCCDAFC8C8654853A431882AFDA1DD7F9C31811E9DF0C15E387559996911CD4FF46F30B304E950EB75555E85E23392454C79C613DAEE',1767614400000000,2);
INSERT INTO "domain_key" VALUES('c9699abdf77356719e780c33e7a971ad','eu-west-1',X'8C4C9EA5CE4D949FDF3EC4BF14AE62C7A841B88F6E4D21B1E0829AE74905B8066FBC76EAE51261A2F42FC079EBEA1D52C6E39041864721ADC5A52D71',1767614460000000,7);
INSERT INTO "domain_key" VALUES('8e27f65be15b98361421e49f5bdb0936','protected',X'BF9893C43261F0110EB9E7477B931D75987FC3E33067D583D44ACD39F967E5186FAC8B77FB0F5FC03846EAD246110305C884CA666B4FD7C3E8073215',1796083465372177,10);
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
INSERT INTO "event" VALUES(1,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["DescribeKey","arn:aws:iam::111122223333:root","111122223333","da8c4f4a-070f-4d22-a0d5-39d5e1e64cfc","","",[],{"keyId":"alias/orders"},null,[],{},"NotFoundException","Alias arn:aws:kms:us-east-1:111122223333:alias/orders is not found."]');
INSERT INTO "event" VALUES(2,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","8f692e3e-ea2b-4560-a7ce-000889cc86f9","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":"\u00c4rzte, \uc5f4\uc1e0"},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"5f7eecf7-2b28-481b-b24d-29d88668fdcd","arn":"arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd","creationDate":"Jan 5, 2026, 12:00:00 PM","enabled":true,"description":"\u00c4rzte, \uc5f4\uc1e0","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"b712072516ff64d50a68ef91e860199b2c2601a054513b46baf63d3460e444ad"}},["arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd"],{},"",""]');
INSERT INTO "event" VALUES(3,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["CreateAlias","arn:aws:iam::111122223333:root","111122223333","7b8983e3-700f-4e06-a67f-07e4346ec385","","",[],{"aliasName":"alias/orders","targetKeyId":"arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd"},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd"},["arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd","arn:aws:kms:us-east-1:111122223333:alias/orders"],{},"",""]');
INSERT INTO "event" VALUES(4,1767614400000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","5feb1342-6215-4dbd-a432-05d0fe4a5044","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"order":"17"}},null,["arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd"],{"keyMaterialId":"b712072516ff64d50a68ef91e860199b2c2601a054513b46baf63d3460e444ad"},"",""]');
INSERT INTO "event" VALUES(5,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["RotateKeyOnDemand","arn:aws:iam::111122223333:root","111122223333","860c0b89-5e8f-4012-a596-b9d6188c853c","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd"},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd"},["arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd"],{},"",""]');
INSERT INTO "event" VALUES(6,1767614400000000,'111122223333','us-east-1',NULL,NULL,'["RotateKey","","111122223333","17b506e5-dac5-4ac8-a845-6cfa4789facc","","",[],null,null,["arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd"],{"rotationType":"ON_DEMAND","keyOrigin":"AWS_KMS","previousKeyMaterialId":"b712072516ff64d50a68ef91e860199b2c2601a054513b46baf63d3460e444ad","currentKeyMaterialId":"d29bf274eb02a3dfb6f658abd10d0b5dad3cd403509d5f4d55a99cf323bc9bac","keyId":"5f7eecf7-2b28-481b-b24d-29d88668fdcd"},"",""]');
INSERT INTO "event" VALUES(7,1767614460000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","ccee8c3f-04c4-416f-a77b-7ce0ea1b7e86","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd","encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"order":"17"}},null,["arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd"],{"keyMaterialId":"d29bf274eb02a3dfb6f658abd10d0b5dad3cd403509d5f4d55a99cf323bc9bac"},"",""]');
INSERT INTO "event" VALUES(8,1767614460000000,'111122223333','eu-west-1',NULL,NULL,'["DescribeKey","arn:aws:iam::111122223333:root","111122223333","04354415-6698-4dcc-a4b5-056b91564944","","",[],{"keyId":"alias/orders"},null,[],{},"NotFoundException","Alias arn:aws:kms:eu-west-1:111122223333:alias/orders is not found."]');
INSERT INTO "event" VALUES(9,1767614460000000,'111122223333','eu-west-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","701c732e-4d68-46f6-a6a5-4b222265942e","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":""},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"45b6e7c7-74ae-4251-a485-d67b38af5236","arn":"arn:aws:kms:eu-west-1:111122223333:key/45b6e7c7-74ae-4251-a485-d67b38af5236","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"66dea9baf64ba63aa110be51323fb71a2883d6b664432ea3769bea0a1a9ece6c"}},["arn:aws:kms:eu-west-1:111122223333:key/45b6e7c7-74ae-4251-a485-d67b38af5236"],{},"",""]');
INSERT INTO "event" VALUES(10,1767614460000000,'111122223333','eu-west-1',NULL,NULL,'["CreateAlias","arn:aws:iam::111122223333:root","111122223333","3a05b2c6-e4d9-4658-a85a-265b2b407d6c","","",[],{"aliasName":"alias/orders","targetKeyId":"arn:aws:kms:eu-west-1:111122223333:key/45b6e7c7-74ae-4251-a485-d67b38af5236"},{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/45b6e7c7-74ae-4251-a485-d67b38af5236"},["arn:aws:kms:eu-west-1:111122223333:key/45b6e7c7-74ae-4251-a485-d67b38af5236","arn:aws:kms:eu-west-1:111122223333:alias/orders"],{},"",""]');
INSERT INTO "event" VALUES(11,1767614460000000,'111122223333','eu-west-1','arn:aws:kms:eu-west-1:111122223333:key/45b6e7c7-74ae-4251-a485-d67b38af5236',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","652075dd-f3a2-4b4d-aad6-ce4e077ebc05","","",[],{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/45b6e7c7-74ae-4251-a485-d67b38af5236","encryptionAlgorithm":"SYMMETRIC_DEFAULT"},null,["arn:aws:kms:eu-west-1:111122223333:key/45b6e7c7-74ae-4251-a485-d67b38af5236"],{"keyMaterialId":"66dea9baf64ba63aa110be51323fb71a2883d6b664432ea3769bea0a1a9ece6c"},"",""]');
INSERT INTO "event" VALUES(12,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","15ca2e1f-8ef0-491a-a452-7bcd14f16163","","",[],{"keySpec":"ECC_NIST_P256","keyUsage":"SIGN_VERIFY","description":""},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"71f0ba7a-b43d-42cf-b2f0-02b29534c659","arn":"arn:aws:kms:us-east-1:111122223333:key/71f0ba7a-b43d-42cf-b2f0-02b29534c659","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"SIGN_VERIFY","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"ECC_NIST_P256","keySpec":"ECC_NIST_P256","signingAlgorithms":["ECDSA_SHA_256"],"multiRegion":false}},["arn:aws:kms:us-east-1:111122223333:key/71f0ba7a-b43d-42cf-b2f0-02b29534c659"],{},"",""]');
INSERT INTO "event" VALUES(13,1767614460000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/71f0ba7a-b43d-42cf-b2f0-02b29534c659',NULL,'["Sign","arn:aws:iam::111122223333:root","111122223333","9000b563-2a74-49b5-aca1-c13c10ac6d6f","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/71f0ba7a-b43d-42cf-b2f0-02b29534c659","messageType":"RAW","signingAlgorithm":"ECDSA_SHA_256"},null,["arn:aws:kms:us-east-1:111122223333:key/71f0ba7a-b43d-42cf-b2f0-02b29534c659"],{},"",""]');
INSERT INTO "event" VALUES(14,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateGrant","arn:aws:iam::111122223333:root","111122223333","8e622e0b-50ff-41e4-af1d-bc84bce3b9f1","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd","granteePrincipal":"arn:aws:iam::111122223333:user/alice","operations":["Decrypt"]},{"grantId":"ccfbd993c35b2f64d70b7bc20ff3915e60464e68e2f2a700162030feef94b996"},["arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd"],{},"",""]');
INSERT INTO "event" VALUES(15,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","32c652f1-ac8c-41a9-a967-efd3d558e28d","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":""},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"5d9d2769-da26-4f34-ba8d-6ec7da1f647e","arn":"arn:aws:kms:us-east-1:111122223333:key/5d9d2769-da26-4f34-ba8d-6ec7da1f647e","creationDate":"Jan 5, 2026, 12:01:00 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"currentKeyMaterialId":"f9c0e752603f3a0a49fc0993ad61e90bf6c470b0166327c25ef9c8c74bd48160"}},["arn:aws:kms:us-east-1:111122223333:key/5d9d2769-da26-4f34-ba8d-6ec7da1f647e"],{},"",""]');
INSERT INTO "event" VALUES(16,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["ScheduleKeyDeletion","arn:aws:iam::111122223333:root","111122223333","3154c73d-77cc-4e5f-aa4a-cb199cfd7983","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/5d9d2769-da26-4f34-ba8d-6ec7da1f647e","pendingWindowInDays":7},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/5d9d2769-da26-4f34-ba8d-6ec7da1f647e","pendingWindowInDays":7,"deletionDate":"Jan 12, 2026, 12:01:00 PM","keyState":"PendingDeletion"},["arn:aws:kms:us-east-1:111122223333:key/5d9d2769-da26-4f34-ba8d-6ec7da1f647e"],{},"",""]');
INSERT INTO "event" VALUES(17,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["DescribeCustomKeyStores","arn:aws:iam::111122223333:root","111122223333","4c98998a-9b22-46e8-a1f2-bae6e08cd908","","",[],{"customKeyStoreName":"cluster"},null,[],{},"CustomKeyStoreNotFoundException","The custom key store is not found."]');
INSERT INTO "event" VALUES(18,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["CreateCustomKeyStore","arn:aws:iam::111122223333:root","111122223333","d9d21822-60ea-4220-a35e-7398c2dee67b","","",[],{"customKeyStoreName":"cluster","cloudHsmClusterId":"cluster-gmluugsqis3","trustAnchorCertificate":"-----BEGIN CERTIFICATE-----\nMIIBnjCCAUSgAwIBAgIUBQgQMrZ7Zq//5ZMy+JnPmnXR0bswCgYIKoZIzj0EAwIw\nGzEZMBcGA1UEAwwQa21zbGFiIGF1dGhvcml0eTAeFw0yNjAxMDUxMTAxMDBaFw0y\nNzAxMDUxMjAxMDBaMBsxGTAXBgNVBAMMEGttc2xhYiBhdXRob3JpdHkwWTATBgcq\nhkjOPQIBBggqhkjOPQMBBwNCAAQ30qEp5zxsEh9bZ/DMklRuVu7MqMYinE8ZeIf1\nmLxMthjnspaCG6gQj3QvR6qS8Lnaijpdj4US4WDtWxNfJnkao2YwZDAdBgNVHQ4E\nFgQUXFBo72yPyU5gwNCEwvUrp2ldgkUwHwYDVR0jBBgwFoAUXFBo72yPyU5gwNCE\nwvUrp2ldgkUwEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMCAQYwCgYI\nKoZIzj0EAwIDSAAwRQIgFMIjSREoL1XP2SrBQOKFf0JCWjPCNVDtciVR9D4nc9QC\nIQCRe+P/nufnYfdHtbEyyUdvSIzrq0RAqAm2EbMQ/fjOpw==\n-----END CERTIFICATE-----\n"},{"customKeyStoreId":"cks-044ca0a8ee58f0b9c"},[],{},"",""]');
INSERT INTO "event" VALUES(19,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["DescribeCustomKeyStores","arn:aws:iam::111122223333:root","111122223333","2abdfa2c-ec70-419e-a985-8308f4852035","","",[],{"customKeyStoreName":"cluster"},null,[],{},"",""]');
INSERT INTO "event" VALUES(20,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["DescribeCustomKeyStores","arn:aws:iam::111122223333:root","111122223333","489fdf98-c67d-4115-aa71-033857a9d88d","","",[],{"customKeyStoreId":"cks-044ca0a8ee58f0b9c"},null,[],{},"",""]');
INSERT INTO "event" VALUES(21,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["DescribeCustomKeyStores","arn:aws:iam::111122223333:root","111122223333","092c38e8-03c3-4c46-a47a-4a2205cac19c","","",[],{"customKeyStoreId":"cks-044ca0a8ee58f0b9c"},null,[],{},"",""]');
INSERT INTO "event" VALUES(22,1767614460000000,'111122223333','us-east-1',NULL,NULL,'["ConnectCustomKeyStore","arn:aws:iam::111122223333:root","111122223333","32d9ab97-8ac0-4029-a01d-5b38f2e98545","","",[],{"customKeyStoreId":"cks-044ca0a8ee58f0b9c"},null,[],{},"",""]');
INSERT INTO "event" VALUES(23,1767614465000000,'111122223333','us-east-1',NULL,NULL,'["DescribeCustomKeyStores","arn:aws:iam::111122223333:root","111122223333","bcf06290-0413-468f-ab1d-013314adf5c5","","",[],{"customKeyStoreId":"cks-044ca0a8ee58f0b9c"},null,[],{},"",""]');
INSERT INTO "event" VALUES(24,1767614465000000,'111122223333','us-east-1',NULL,NULL,'["DescribeKey","arn:aws:iam::111122223333:root","111122223333","8ea376db-aa36-4ec1-a3e6-0ab2d0707d61","","",[],{"keyId":"alias/held"},null,[],{},"NotFoundException","Alias arn:aws:kms:us-east-1:111122223333:alias/held is not found."]');
INSERT INTO "event" VALUES(25,1767614465000000,'111122223333','us-east-1',NULL,NULL,'["CreateKey","arn:aws:iam::111122223333:root","111122223333","3165d33b-c3d8-4a2f-a636-685107ea69fe","","",[],{"keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","description":"","origin":"AWS_CLOUDHSM","customKeyStoreId":"cks-044ca0a8ee58f0b9c"},{"keyMetadata":{"AWSAccountId":"111122223333","keyId":"8a988288-50e0-4dc1-bff7-479bde98e5db","arn":"arn:aws:kms:us-east-1:111122223333:key/8a988288-50e0-4dc1-bff7-479bde98e5db","creationDate":"Jan 5, 2026, 12:01:05 PM","enabled":true,"description":"","keyUsage":"ENCRYPT_DECRYPT","keyState":"Enabled","origin":"AWS_CLOUDHSM","keyManager":"CUSTOMER","customerMasterKeySpec":"SYMMETRIC_DEFAULT","keySpec":"SYMMETRIC_DEFAULT","encryptionAlgorithms":["SYMMETRIC_DEFAULT"],"multiRegion":false,"customKeyStoreId":"cks-044ca0a8ee58f0b9c","cloudHsmClusterId":"cluster-gmluugsqis3"}},["arn:aws:kms:us-east-1:111122223333:key/8a988288-50e0-4dc1-bff7-479bde98e5db"],{},"",""]');
INSERT INTO "event" VALUES(26,1767614465000000,'111122223333','us-east-1',NULL,NULL,'["CreateAlias","arn:aws:iam::111122223333:root","111122223333","1231a323-a3e7-4a58-acad-68c46f25d159","","",[],{"aliasName":"alias/held","targetKeyId":"arn:aws:kms:us-east-1:111122223333:key/8a988288-50e0-4dc1-bff7-479bde98e5db"},{"keyId":"arn:aws:kms:us-east-1:111122223333:key/8a988288-50e0-4dc1-bff7-479bde98e5db"},["arn:aws:kms:us-east-1:111122223333:key/8a988288-50e0-4dc1-bff7-479bde98e5db","arn:aws:kms:us-east-1:111122223333:alias/held"],{},"",""]');
INSERT INTO "event" VALUES(27,1767614465000000,'111122223333','us-east-1','arn:aws:kms:us-east-1:111122223333:key/8a988288-50e0-4dc1-bff7-479bde98e5db',NULL,'["Encrypt","arn:aws:iam::111122223333:root","111122223333","382eeaf4-f780-42bc-a1fa-64d4cc136d5a","","",[],{"keyId":"arn:aws:kms:us-east-1:111122223333:key/8a988288-50e0-4dc1-bff7-479bde98e5db","encryptionAlgorithm":"SYMMETRIC_DEFAULT"},null,["arn:aws:kms:us-east-1:111122223333:key/8a988288-50e0-4dc1-bff7-479bde98e5db"],{"keyMaterialId":"596bcbe86b660b4a57cb33bb11e0cb245f4605919011d426079119c29425b2f5","customKeyStoreId":"cks-044ca0a8ee58f0b9c"},"",""]');
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
	pair VARCHAR NOT NULL,
	created BIGINT NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (handle)
);
INSERT INTO "grant" VALUES('arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd/ccfbd993c35b2f64d70b7bc20ff3915e60464e68e2f2a700162030feef94b996','arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd','arn:aws:iam::111122223333:user/alice','','["Decrypt"]','{}','','','arn:aws:iam::111122223333:root','',1767614460000000,15);
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
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','Enabled',1767614400000000,'Ärzte, 열쇠','{
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
}','d29bf274eb02a3dfb6f658abd10d0b5dad3cd403509d5f4d55a99cf323bc9bac','CUSTOMER','{}',NULL,0,NULL,NULL,1,0,NULL,NULL,'',NULL,0,'','',NULL,6);
INSERT INTO "key" VALUES('arn:aws:kms:eu-west-1:111122223333:key/45b6e7c7-74ae-4251-a485-d67b38af5236','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','Enabled',1767614460000000,'','{
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
}','66dea9baf64ba63aa110be51323fb71a2883d6b664432ea3769bea0a1a9ece6c','CUSTOMER','{}',NULL,0,NULL,NULL,0,0,NULL,NULL,'',NULL,0,'','',NULL,8);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/71f0ba7a-b43d-42cf-b2f0-02b29534c659','ECC_NIST_P256','SIGN_VERIFY','AWS_KMS','Enabled',1767614460000000,'','{
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
}','5ffda0d3749dae3eeff4d69dea75ca2a62b6e570fd9fe10ca1506ccc4d03a3bf','CUSTOMER','{}',NULL,0,NULL,NULL,0,0,NULL,NULL,'',NULL,0,'','',NULL,9);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/5d9d2769-da26-4f34-ba8d-6ec7da1f647e','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_KMS','PendingDeletion',1767614460000000,'','{
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
}','f9c0e752603f3a0a49fc0993ad61e90bf6c470b0166327c25ef9c8c74bd48160','CUSTOMER','{}',1768219260000000,0,NULL,NULL,0,0,NULL,NULL,'',NULL,0,'','',1768219260000000,17);
INSERT INTO "key" VALUES('arn:aws:kms:us-east-1:111122223333:key/8a988288-50e0-4dc1-bff7-479bde98e5db','SYMMETRIC_DEFAULT','ENCRYPT_DECRYPT','AWS_CLOUDHSM','Enabled',1767614465000000,'','{
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
}','596bcbe86b660b4a57cb33bb11e0cb245f4605919011d426079119c29425b2f5','CUSTOMER','{}',NULL,0,NULL,NULL,0,0,NULL,NULL,'',NULL,0,'111122223333/us-east-1/cks-044ca0a8ee58f0b9c','',NULL,23);
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
INSERT INTO "key_store" VALUES('111122223333/us-east-1/cks-044ca0a8ee58f0b9c','cluster','AWS_CLOUDHSM',1767614460000000,'CONNECTED',1767614465000000,'','cluster-gmluugsqis3','-----BEGIN CERTIFICATE-----
MIIBnjCCAUSgAwIBAgIUBQgQMrZ7Zq//5ZMy+JnPmnXR0bswCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQa21zbGFiIGF1dGhvcml0eTAeFw0yNjAxMDUxMTAxMDBaFw0y
NzAxMDUxMjAxMDBaMBsxGTAXBgNVBAMMEGttc2xhYiBhdXRob3JpdHkwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAAQ30qEp5zxsEh9bZ/DMklRuVu7MqMYinE8ZeIf1
mLxMthjnspaCG6gQj3QvR6qS8Lnaijpdj4US4WDtWxNfJnkao2YwZDAdBgNVHQ4E
FgQUXFBo72yPyU5gwNCEwvUrp2ldgkUwHwYDVR0jBBgwFoAUXFBo72yPyU5gwNCE
wvUrp2ldgkUwEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMCAQYwCgYI
KoZIzj0EAwIDSAAwRQIgFMIjSREoL1XP2SrBQOKFf0JCWjPCNVDtciVR9D4nc9QC
IQCRe+P/nufnYfdHtbEyyUdvSIzrq0RAqAm2EbMQ/fjOpw==
-----END CERTIFICATE-----
','','','','','','',X'8E27F65BE15B98361421E49F5BDB0936087B4ED37E1849A6007244D771DB05B019E172AEF938AF36EF3F82B4E37A474EAEB38F69DCC752AB7D7B4D8E',21);
CREATE TABLE kmslab (
	schema INTEGER,
	changes BIGINT
);
INSERT INTO "kmslab" VALUES(7,24);
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
INSERT INTO "material" VALUES('us-east-1/b712072516ff64d50a68ef91e860199b2c2601a054513b46baf63d3460e444ad','arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd','SYMMETRIC_DEFAULT','5825080e339beeea656d79d520cfcc15',X'E6B2B5616ADC04A23E3AADF2ADAC1CD5BF2CE8A407E0BCD2F0A323FA6E861D9139C84D0C2D6637799593EF56306A3097C3DEF2F5E451E2E9B9A59CD0',X'',0,1767614400000000,'',0,NULL,'',2);
INSERT INTO "material" VALUES('us-east-1/d29bf274eb02a3dfb6f658abd10d0b5dad3cd403509d5f4d55a99cf323bc9bac','arn:aws:kms:us-east-1:111122223333:key/5f7eecf7-2b28-481b-b24d-29d88668fdcd','SYMMETRIC_DEFAULT','5825080e339beeea656d79d520cfcc15',X'98F44F5321EB6CE489A1BF19F4D679F2573386ABBB5EE954E143C2882526AC0CE8942B20BDAA5048FD954626133FF6981F720768B7A47A60DE7A32F8',X'',1,1767614400000000,'ON_DEMAND',0,NULL,'',6);
INSERT INTO "material" VALUES('eu-west-1/66dea9baf64ba63aa110be51323fb71a2883d6b664432ea3769bea0a1a9ece6c','arn:aws:kms:eu-west-1:111122223333:key/45b6e7c7-74ae-4251-a485-d67b38af5236','SYMMETRIC_DEFAULT','c9699abdf77356719e780c33e7a971ad',X'6F31689A3EC5AEAFBF437B0C879BA88DD7AD3BACA6DFD0A75563A17E56D51F725782C29D7CEF9F791EBFB7941B381262B8EDDC13E7178E115CB1619B',X'',0,1767614460000000,'',0,NULL,'',7);
INSERT INTO "material" VALUES('us-east-1/5ffda0d3749dae3eeff4d69dea75ca2a62b6e570fd9fe10ca1506ccc4d03a3bf','arn:aws:kms:us-east-1:111122223333:key/71f0ba7a-b43d-42cf-b2f0-02b29534c659','ECC_NIST_P256','5825080e339beeea656d79d520cfcc15',X'64AD7E6AE2BE1A7B81B54C05073861A81B11C3B084E18E8B3C0811D927A4E5807B98FFC9243AB4656CF4AD896BE3073C7EFD7B2DF285C27FA1A66FFA92830CB9D0D00D4BE300978C487C770852D9D7535C0052882C49222BA1C807C6643483B38B1C020A99FA8464BA4BC52FFA6F57C3F546E32F8C6AF2B34FB2758081C5B38002C63CDF55C7B2DB0DDEC81156656F256A553124CBB7BF620C5A1277AAF171A7341505BBEE01',X'3059301306072A8648CE3D020106082A8648CE3D0301070342000428799BE618C173DD0DDA09E027E37F16A1D4D97151D7340664E9B322FD89691D873F0057955B57AF13748737792C62AFFE572ADA215AAF74FA6EA6A903ACFC98',0,1767614460000000,'',0,NULL,'',9);
INSERT INTO "material" VALUES('us-east-1/f9c0e752603f3a0a49fc0993ad61e90bf6c470b0166327c25ef9c8c74bd48160','arn:aws:kms:us-east-1:111122223333:key/5d9d2769-da26-4f34-ba8d-6ec7da1f647e','SYMMETRIC_DEFAULT','5825080e339beeea656d79d520cfcc15',X'DA780FBDC82EB6167EB189049A04AD879C305FC7DCE81E99A94F73831F96FC40A615E58A969D9653FD3BA07A1A7C076DCF1DBAD452CD7014E12BFFE3',X'',0,1767614460000000,'',0,NULL,'',16);
INSERT INTO "material" VALUES('us-east-1/596bcbe86b660b4a57cb33bb11e0cb245f4605919011d426079119c29425b2f5','arn:aws:kms:us-east-1:111122223333:key/8a988288-50e0-4dc1-bff7-479bde98e5db','SYMMETRIC_DEFAULT','5825080e339beeea656d79d520cfcc15',X'1435FE7A18B03C5E05127D269F7A5B5F723F918ADBCE9C4D58F1DE107AD82D36E920ACB8F43B79184124216825BE9650CC836ED6976D93B5C7BB0696',X'',0,1767614465000000,'',0,NULL,'',22);
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
INSERT INTO "setting" VALUES('root key','{"check": "uvrDVCTUS7jjmcKRBIGGvFRNmQs0qF/71y4q4g=="}',4);
INSERT INTO "setting" VALUES('cloudhsm/cluster-gmluugsqis3','{"modules": 2, "trust_anchor": "-----BEGIN CERTIFICATE-----\nMIIBnjCCAUSgAwIBAgIUBQgQMrZ7Zq//5ZMy+JnPmnXR0bswCgYIKoZIzj0EAwIw\nGzEZMBcGA1UEAwwQa21zbGFiIGF1dGhvcml0eTAeFw0yNjAxMDUxMTAxMDBaFw0y\nNzAxMDUxMjAxMDBaMBsxGTAXBgNVBAMMEGttc2xhYiBhdXRob3JpdHkwWTATBgcq\nhkjOPQIBBggqhkjOPQMBBwNCAAQ30qEp5zxsEh9bZ/DMklRuVu7MqMYinE8ZeIf1\nmLxMthjnspaCG6gQj3QvR6qS8Lnaijpdj4US4WDtWxNfJnkao2YwZDAdBgNVHQ4E\nFgQUXFBo72yPyU5gwNCEwvUrp2ldgkUwHwYDVR0jBBgwFoAUXFBo72yPyU5gwNCE\nwvUrp2ldgkUwEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMCAQYwCgYI\nKoZIzj0EAwIDSAAwRQIgFMIjSREoL1XP2SrBQOKFf0JCWjPCNVDtciVR9D4nc9QC\nIQCRe+P/nufnYfdHtbEyyUdvSIzrq0RAqAm2EbMQ/fjOpw==\n-----END CERTIFICATE-----\n", "digest": "b49ffc485e08431ebf6995875597e6583c0d478a44e713dfba370641fd165bed"}',18);
INSERT INTO "setting" VALUES('key stores of 111122223333/us-east-1/','',19);
INSERT INTO "setting" VALUES('attestation root','jif2W+FbmDYUIeSfW9sJNgIebQ33AL6OQ00kZr4k072TexRo7tNHUwDqNsR8PzLwq8RV7xWn24I1RLtDMlbK4kenO/qaibWRM07Z84JEAyPhbmTt9JKYJcJ0Lp0NFinO1H01YkZNd/AdWh2a5aIsIgMhviITdFRI/wXsPd0rJ7qnGinaUj9nSjXTOsIyIDdwvSTeacOrO52IQEGTh3+YTdsNXXYBvOWu3NbhR9JAjZgOsvfcp22mbzXOmGp19A0oBl+Q2hXEeXZWok7SLoMO02uYcYAPP6fXN7tbk5FnuMpCYLX4TcL4Zquvio5zUBSP4VDzrLqB574fnWRzmN8DP0b2+SbZtvrWlpfCdMYuybBRhcF7reh/SVM2GmrN4if4Ihm2M9mOtkx2Es98wTnQZCkiVN7PyeVEIPTPnTAtMQ0iz52lgzIcL6Dx69YK8arJr4oT13Z6LSmnJ8SDmqjjysE2/HnNrRCG+GjzChifQ9fsz/xPHDjmEu4NT1KTNy2EURfzC/DPV2JAz+eHzgxJ8Nj9ORbw7aphGVdKO5dyPP5D7voxtBsuczny/1MUFkmI1vOX6F6AvAL85OgwuILU0aN8VylviVar6N9FkwPq9oc2LlLOXwxcQl/4S8oHLJ0peGMZFxJhZET9jVmzYnKtRBBTVTRDmnFi4xKUIG3Vg0pKnNw2dDam2wFf8ogId7BEY5KLAmMMXhI33ztbpjhyYoy/PBV21ILsi9KH55IuKhENp09Usvs5aymnnyJeqcFgjMSo3T95h39r35Gm7joNwdGjTWD2dTNXRSrIY5mSmhjmxMxkqERSzy++eAe2R6Vam46OZp4z5vgKBeXar4YVHje9CGiJCgPEX2Su9BKhtxMAfWNgndCU1If+fKAgMB250RBDNAw+Im0gG6hfDIxohUntB1yxTwWUlBHavPchdRQftSE3/VCcSrhg3wOO7RubvCgUeYB92PvyYIcNDbXxa82fzakVDLwfOyLV633EOfn7aVXWVu39wbBOXD0Eu/pdbJtaMzFmKN6eKFITjQN4VewV+4WpEGtZb/W0U+yfdWoZuFJyiCS+lv/5qpNoPJVTz8vP1w5DMMzjzXhz/adiH9nI8BH4YrIq1FJUUfeQQds5HifQUCLGA8ygqtWNIaHNn93L8PCS/tSBkosDDQosYsEPE2y/WbfwWkRXid+fBLx2FaHVB+83AHMcoCARxA01YO0s4V0dWfwmDDWOCV3nJK4WiKpLYQLzP7CbK++syGULeHDZN+a8LaXpq1rZPRTWMYqKs1UmHOrhKKTRCAZISmyCTF4T5JsMvDjt51tHYu3qroCMxepVuA1GnAGr/LSuClHn4WtsMwmc1gmRpSBnZ/Md1q4pMNp1zp4e8qzRwCIIolVUq8euf6pbDiRKWX00te6XOJPDZYwkvDSDdYY0TsQ7Y6i4gp1k/s4DoS/I3Q==',24);
CREATE INDEX key_by_due ON "key" (due, arn);
CREATE INDEX key_by_store_and_external_key ON "key" (store, external_key, arn);
CREATE INDEX key_by_primary_arn ON "key" (primary_arn, arn);
CREATE INDEX material_by_key ON material ("key", handle);
CREATE INDEX domain_key_by_region ON domain_key (region, id);
CREATE INDEX alias_by_target ON alias (target, arn);
CREATE INDEX access_key_by_principal ON access_key (principal, id);
CREATE INDEX grant_by_key_and_grantee_and_pair ON grant ("key", grantee, pair, handle);
CREATE INDEX grant_by_retiring ON grant (retiring, handle);
CREATE INDEX grant_by_key_and_grantee ON grant ("key", grantee, handle);
CREATE INDEX key_store_by_type ON key_store (type, handle);
CREATE INDEX event_by_account ON event (account, sequence);
CREATE INDEX event_by_used ON event (used, sequence);
CREATE INDEX event_by_used_too ON event (used_too, sequence) WHERE used_too IS NOT NULL;
COMMIT;
