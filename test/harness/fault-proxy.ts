import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** What a network does to the bytes between two ends. */
export type Weather =
  /** Passes everything on. */
  | { readonly kind: 'fair' }
  /** Connections stand, and what is sent is gone: they are never whole again. */
  | { readonly kind: 'blackhole' }
  /** Connections stand, and nothing arrives before the weather changes; then all of it does. */
  | { readonly kind: 'held' }
  /** What the dialling side sends does not arrive; answers do. And the other way round. */
  | { readonly kind: 'one-way'; readonly lost: 'there' | 'back' }
  /** Everything arrives so much later. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** So many bytes pass in a second. */
  | { readonly kind: 'throttle'; readonly bytes: number }
  /** Nobody is reached. */
  | { readonly kind: 'refuse' };

interface Pipe {
  readonly near: Socket;
  readonly far: Socket;
}

/** A TCP proxy before one node, through which all others dial it. Reused by the torture. */
export class FaultProxy {
  readonly #server: Server;
  readonly #pipes = new Set<Pipe>();
  readonly #held = new Set<() => void>();
  #target: number;
  #host: string;
  #weather: Weather = { kind: 'fair' };

  private constructor(target: number, host: string) {
    this.#target = target;
    this.#host = host;
    this.#server = createServer((near) => {
      this.#carry(near);
    });
  }

  static async open(target: number, host = '127.0.0.1'): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, host);
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get weather(): Weather {
    return this.#weather;
  }

  set weather(weather: Weather) {
    this.#weather = weather;
    for (const release of this.#held) release();
    this.#held.clear();
  }

  /** Where the node behind it listens from now on. */
  retarget(port: number, host = this.#host): void {
    this.#target = port;
    this.#host = host;
  }

  /** Ends all connections with a reset. */
  reset(): void {
    for (const { near, far } of this.#pipes) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  /** The dialling side's end is gone without a word; the other side is told nothing. */
  halfOpen(): void {
    for (const pipe of this.#pipes) {
      this.#pipes.delete(pipe);
      pipe.near.removeAllListeners('close');
      pipe.near.destroy();
      pipe.far.removeAllListeners('data');
      pipe.far.on('data', () => {});
    }
  }

  async close(): Promise<void> {
    this.weather = { kind: 'refuse' };
    this.reset();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.reset();
    });
  }

  #carry(near: Socket): void {
    near.on('error', () => {});
    if (this.#weather.kind === 'refuse') {
      near.resetAndDestroy();
      return;
    }
    const far = connect(this.#target, this.#host);
    far.on('error', () => {});
    const pipe = { near, far };
    this.#pipes.add(pipe);
    this.#pass(near, far, 'there');
    this.#pass(far, near, 'back');
    const end = (): void => {
      this.#pipes.delete(pipe);
      near.destroy();
      far.destroy();
    };
    near.once('close', end);
    far.once('close', end);
  }

  #pass(from: Socket, to: Socket, way: 'there' | 'back'): void {
    // Whatever the weather was when they came, bytes never overtake each other.
    let before: Promise<void> | undefined;
    const write = (chunk: Buffer): void => {
      if (!to.destroyed) to.write(chunk);
    };
    from.on('data', (chunk: Buffer) => {
      const weather = this.#weather;
      const { kind } = weather;
      if (kind === 'blackhole' || kind === 'refuse') return;
      if (kind === 'one-way' && weather.lost === way) return;
      const wait = this.#wait(weather, chunk.length);
      if (wait === undefined && before === undefined) {
        write(chunk);
        return;
      }
      const passed =
        kind === 'throttle'
          ? (before ?? Promise.resolve()).then(() => wait?.())
          : Promise.all([before, wait?.()]);
      const sent = passed.then(() => {
        write(chunk);
        if (before === sent) before = undefined;
      });
      before = sent;
    });
  }

  /** How long these bytes take; undefined where they pass at once. */
  #wait(weather: Weather, length: number): (() => Promise<void>) | undefined {
    const pause = (milliseconds: number) => (): Promise<void> =>
      new Promise((resolve) => setTimeout(resolve, milliseconds));
    if (weather.kind === 'delay') return pause(weather.milliseconds);
    if (weather.kind === 'throttle') return pause((length * 1000) / weather.bytes);
    if (weather.kind !== 'held') return undefined;
    return () => new Promise((resolve) => this.#held.add(resolve));
  }
}
