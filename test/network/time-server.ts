import { createSocket } from 'node:dgram';

/** An NTP server at an address whose clock is so many seconds ahead; says READY. */
const [address = '', ahead = '0'] = process.argv.slice(2);
const ntpEpoch = 2_208_988_800;
const socket = createSocket('udp4');
socket.on('message', (_, { port, address: to }) => {
  const answer = Buffer.alloc(48);
  answer[0] = (4 << 3) | 4;
  answer[1] = 2;
  const now = (performance.timeOrigin + performance.now()) / 1000 + Number(ahead) + ntpEpoch;
  for (const offset of [32, 40]) {
    answer.writeUInt32BE(Math.floor(now), offset);
    answer.writeUInt32BE(Math.floor((now % 1) * 2 ** 32), offset + 4);
  }
  socket.send(answer, port, to);
});
socket.bind(123, address, () => {
  process.stdout.write('READY\n');
});
