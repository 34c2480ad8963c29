// The AWS Encryption SDK for JavaScript at an endpoint that the environment names.
// node messages.mjs FOLDER ARN OTHER_ARN: opens what lies in FOLDER/ours, each with every keyring
// that can, and writes to FOLDER/theirs what it seals itself. Prints JSON.

import {
  AwsKmsMrkAwareSymmetricDiscoveryKeyringNode, AwsKmsMrkAwareSymmetricKeyringNode,
  AlgorithmSuiteIdentifier, CommitmentPolicy, KmsKeyringNode, buildClient, getClient,
} from '@aws-crypto/client-node'
import { KMS } from '@aws-sdk/client-kms'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [folder, arn, other] = process.argv.slice(2)
const { encrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
const old = buildClient(CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)
const { decrypt } = old
const account = arn.split(':')[4]
const filter = (accountIDs) => ({ accountIDs, partition: 'aws' })
const client = new KMS({})
const clientProvider = getClient(KMS, {})

const discovery = (...accounts) =>
  new KmsKeyringNode({ clientProvider, discovery: true, discoveryFilter: filter(accounts) })
const mrkDiscovery = (...accounts) =>
  new AwsKmsMrkAwareSymmetricDiscoveryKeyringNode({
    client, discoveryFilter: filter(accounts),
  })
const strict = {
  strict: new KmsKeyringNode({ clientProvider, generatorKeyId: arn }),
  several: new KmsKeyringNode({ clientProvider, generatorKeyId: arn, keyIds: [other] }),
  mrk: new AwsKmsMrkAwareSymmetricKeyringNode({ client, keyId: arn }),
}
const opening = {
  ...strict, discovery: discovery(account), mrkDiscovery: mrkDiscovery(account),
}
const refusing = {
  another: new KmsKeyringNode({ clientProvider, generatorKeyId: other }),
  discovery: discovery('444455556666'),
  mrkDiscovery: mrkDiscovery('444455556666'),
}
const suites = Object.values(AlgorithmSuiteIdentifier).filter((id) => typeof id === 'number')

const opened = {}
const refused = {}
for (const name of readdirSync(join(folder, 'ours'))) {
  const message = readFileSync(join(folder, 'ours', name))
  for (const [how, keyring] of Object.entries(opening)) {
    const { plaintext, messageHeader } = await decrypt(keyring, message)
    opened[`${name} ${how}`] =
      [plaintext.toString('base64'), { ...messageHeader.encryptionContext }]
  }
  for (const [how, keyring] of Object.entries(refusing))
    refused[`${name} ${how}`] = await decrypt(keyring, message).then(
      () => '', (error) => error.message || error.constructor.name,
    )
}

mkdirSync(join(folder, 'theirs'))
for (const [how, keyring] of Object.entries(strict))
  for (const suiteId of suites) {
    const suite = suiteId.toString(16).padStart(4, '0')
    const seal = suiteId < 0x0400 ? old.encrypt : encrypt
    const { result } = await seal(keyring, Buffer.from('a photo '.repeat(2000)), {
      suiteId, encryptionContext: { album: 'summer', 병원: '서울' }, frameLength: 1000,
    })
    writeFileSync(join(folder, 'theirs', `${how}-${suite}`), result)
  }

console.log(JSON.stringify({ opened, refused }))
