// The AWS SDK for JavaScript v3 at an endpoint that the environment names. Prints JSON.

import {
  CreateAliasCommand, CreateKeyCommand, DecryptCommand, DescribeKeyCommand, DisableKeyCommand,
  EncryptCommand, GenerateDataKeyPairCommand, GenerateMacCommand, GetPublicKeyCommand, KMSClient,
  KMSServiceException, NotFoundException, SignCommand, VerifyCommand, VerifyMacCommand,
  paginateListAliases, paginateListKeys,
} from '@aws-sdk/client-kms'
import { createVerify } from 'node:crypto'

const kms = new KMSClient({})
const text = (bytes) => new TextDecoder().decode(bytes)
const bytes = (text) => new TextEncoder().encode(text)
const create = async (members) => (await kms.send(new CreateKeyCommand(members))).KeyMetadata

async function met(command, client = kms) {
  try {
    await client.send(command)
    return null
  } catch (error) {
    return {
      name: error.name,
      message: error.message,
      status: error.$metadata?.httpStatusCode,
      fault: error.$fault,
      known: error instanceof KMSServiceException,
      notFound: error instanceof NotFoundException,
    }
  }
}

const key = await create({ Description: 'from Node: 진료 기록' })
const context = { order: '17', 병원: '서울' }

const trips = await Promise.all([...Array(50).keys()].map(async (number) => {
  const sealed = await kms.send(new EncryptCommand({
    KeyId: key.KeyId, Plaintext: bytes(`card ${number}`), EncryptionContext: context,
  }))
  const opened = await kms.send(new DecryptCommand({
    CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context,
  }))
  return text(opened.Plaintext) === `card ${number}` && opened.KeyId === key.Arn
}))

for (const number of Array(5).keys())
  await kms.send(new CreateAliasCommand({
    AliasName: `alias/node-${number}`, TargetKeyId: key.KeyId,
  }))
const aliasPages = []
for await (const page of paginateListAliases({ client: kms, pageSize: 2 }, { KeyId: key.KeyId }))
  aliasPages.push(page.Aliases.map((alias) => alias.AliasName))
const keys = []
for await (const page of paginateListKeys({ client: kms, pageSize: 1 }, {}))
  keys.push(...page.Keys.map((each) => each.KeyArn))

const signer = await create({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
const how = { KeyId: signer.KeyId, SigningAlgorithm: 'ECDSA_SHA_256', Message: bytes('a report') }
const { Signature } = await kms.send(new SignCommand(how))
const { SignatureValid } = await kms.send(new VerifyCommand({ ...how, Signature }))
const { PublicKey } = await kms.send(new GetPublicKeyCommand({ KeyId: signer.KeyId }))
const outside = createVerify('SHA256').update('a report').verify(
  { key: Buffer.from(PublicKey), format: 'der', type: 'spki' }, Signature,
)

const hmac = await create({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })
const asked = { KeyId: hmac.KeyId, MacAlgorithm: 'HMAC_SHA_256', Message: bytes('a report') }
const { Mac } = await kms.send(new GenerateMacCommand(asked))
const { MacValid } = await kms.send(new VerifyMacCommand({ ...asked, Mac }))
const pair = await kms.send(new GenerateDataKeyPairCommand({
  KeyId: key.KeyId, KeyPairSpec: 'ECC_NIST_P256',
}))

const sealed = await kms.send(new EncryptCommand({ KeyId: key.KeyId, Plaintext: bytes('x') }))
const wrongContext = await met(new DecryptCommand({
  CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context,
}))
const disabledAnswer = await kms.send(new DisableKeyCommand({ KeyId: key.KeyId }))
const disabled = await met(new EncryptCommand({ KeyId: key.KeyId, Plaintext: bytes('x') }))
const elsewhere = new KMSClient({ region: 'eu-west-1' })
const strangers = { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: 'guessed' }

console.log(JSON.stringify({
  key: key.Arn,
  created: key.CreationDate instanceof Date,
  oldSpec: key.CustomerMasterKeySpec,
  trips,
  aliasPages,
  keys,
  signature: [SignatureValid, outside],
  mac: MacValid,
  pair: pair.PrivateKeyPlaintext.length > 100,
  unknown: await met(new DescribeKeyCommand({ KeyId: 'alias/nobody' })),
  invalid: await met(new EncryptCommand({ KeyId: key.KeyId, Plaintext: new Uint8Array(4097) })),
  missing: await met(new EncryptCommand({ KeyId: key.KeyId })),
  wrongContext,
  disabled,
  disabledAnswer: Object.keys(disabledAnswer),
  otherRegion: await met(new DescribeKeyCommand({ KeyId: key.KeyId }), elsewhere),
  wrongSecret: await met(
    new DescribeKeyCommand({ KeyId: key.KeyId }), new KMSClient({ credentials: strangers }),
  ),
}))
