import test from 'ava';
import { fromJson, toJson } from '../../appliance/encoding/json.ts';
import { fromXml, toXml } from '../../appliance/encoding/xml.ts';
import { Tag } from '../../appliance/kmip/tag.ts';
import { decode } from '../../appliance/ttlv/decode.ts';
import type { Item } from '../../appliance/ttlv/item.ts';
import { defaultLimits } from '../../appliance/ttlv/limit.ts';
import { find, textOf } from '../conformance/scene.ts';
import { post } from '../conformance/http.ts';
import type { Post } from '../conformance/http.ts';
import { startAppliance } from '../harness/appliance.ts';
import type { RunningAppliance } from '../harness/appliance.ts';
import { KmipClient } from '../harness/kmip-client.ts';
import { request, wire } from '../harness/vcenter.ts';
import type { Wire } from '../harness/vcenter.ts';

function door(appliance: RunningAppliance, name = 'client'): Post {
  const read = (file: string): string => appliance.read(name, file);
  const { host, httpsPort: port } = appliance;
  return { host, port, cert: read('cert.pem'), key: read('key.pem') };
}

const message = (each: Wire): Item => decode(request([each]));

test('a key that one encoding made, every other gives out', async (t) => {
  const appliance = await startAppliance(t, { https: true });
  const to = door(appliance);
  const made = await post(
    to,
    Buffer.from(toXml(message(wire.create()))),
    'text/xml; charset=utf-8',
  );
  t.is(made.status, 200);
  t.is(made.type, 'text/xml');
  const identifier = find(fromXml(made.body.toString(), defaultLimits), Tag.UniqueIdentifier);
  const id = identifier === undefined ? '' : textOf(identifier);
  const own = new KmipClient(appliance);
  const key = await own.get(id);
  own.end();
  const get = message(wire.get(id));
  const json = await post(to, Buffer.from(toJson(get)), 'application/json');
  const xml = await post(to, Buffer.from(toXml(get)), 'text/xml');
  const binary = await post(to, request([wire.get(id)]), 'application/octet-stream');
  for (const answer of [
    fromJson(json.body.toString(), defaultLimits),
    fromXml(xml.body.toString(), defaultLimits),
    decode(binary.body),
  ]) {
    const material = find(answer, Tag.KeyMaterial);
    t.is(material === undefined ? '' : textOf(material), key);
  }
});

test('other methods, paths, types and lengths are refused', async (t) => {
  const appliance = await startAppliance(t, { https: true });
  const to = door(appliance);
  const body = request([wire.query(1)]);
  const type = 'application/octet-stream';
  t.is((await post(to, body, type, { path: '/' })).status, 404);
  t.is((await post(to, body, type, { method: 'PUT' })).status, 405);
  t.is((await post(to, body, 'text/plain')).status, 415);
  for (const [text, media] of [
    ['<x', 'text/xml'],
    ['{', 'application/json'],
    ['x', type],
  ] as const) {
    const { status, body: answer } = await post(to, Buffer.from(text), media);
    t.is(status, 200);
    const item =
      media === 'text/xml'
        ? fromXml(answer.toString(), defaultLimits)
        : media === type
          ? decode(answer)
          : fromJson(answer.toString(), defaultLimits);
    t.is(find(item, Tag.ResultReason)?.value, 4, media);
  }
  const long = Buffer.alloc((1 << 20) + 1);
  const refused = await post(to, long, type).then(
    ({ status }) => status,
    () => 413,
  );
  t.is(refused, 413);
  t.is((await post(to, body, type)).status, 200);
});

test('who is blocked or a stranger gets no answer', async (t) => {
  const appliance = await startAppliance(t, { https: true, clients: 2 });
  const body = request([wire.query(1)]);
  const type = 'application/octet-stream';
  const second = door(appliance, 'client2');
  t.is((await post(second, body, type)).status, 200);
  t.is((await appliance.twinlock('client', 'block', 'client2')).code, 0);
  await t.throwsAsync(post(second, body, type));
  const nobody = { ...second, cert: '', key: '' };
  await t.throwsAsync(post(nobody, body, type));
  t.is((await post(door(appliance), body, type)).status, 200);
});

test('without a port in the configuration the profiles are not served', async (t) => {
  const appliance = await startAppliance(t);
  t.throws(() => appliance.httpsPort);
});
