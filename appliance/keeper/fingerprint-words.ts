import { createHash } from 'node:crypto';

/** 256 words, no two alike in their first four letters, that are easily told apart when spoken. */
const words = `
  acid acorn actor album alley aloe amber anchor angle ankle apple apron arch arena arrow
  atlas attic autumn axle badge bagel bamboo banjo barn basil basket beach bell bench berry
  bicycle bishop bison blanket bonfire border bottle bridge bronze bucket buffalo bugle
  butter cabin cactus camel canal candle canoe canvas carbon carpet castle cedar cello chalk
  cherry chimney cider cinema circus citrus clay clover cobalt cobra coffee comet compass
  copper coral cotton cradle crater crystal cumin curtain cymbal dagger daisy dentist desert
  diamond dill dinner dolphin donkey dragon drum dune eagle easel echo elbow elder ember
  engine falcon feather fennel ferry fiddle flannel flute forest fossil fountain fox galaxy
  garden garlic gecko ginger giraffe glacier glove goblet granite grape guitar hammer harbor
  harp hazel helmet heron hockey honey hornet igloo island ivory jacket jaguar jasmine jelly
  jigsaw jungle kayak kettle kidney kitchen kiwi koala ladder lagoon lantern lasso lava lemon
  leopard lily linen lizard lobster lotus lumber magnet mango maple marble meadow melon
  mirror mitten monkey mosaic muffin museum mustard nectar needle nickel noodle nutmeg oasis
  ocean olive onion opera orbit orchid otter oven owl oyster paddle palace panda paper parrot
  pasta peach pebble pelican pepper piano pigeon pillow pirate planet plum pocket polka poppy
  potato puzzle quartz quill rabbit radar raft raisin ranch raven ribbon river robin rocket
  rope ruby saddle salmon sandal sapphire satin saturn scarf shovel silver sonata spider
  spruce squirrel summit sunset tango teapot thunder tiger tomato trumpet tulip tunnel turtle
  umbrella velvet violin walnut whisper window wolf yacht yogurt zebra zipper
`
  .trim()
  .split(/\s+/);

/** 80 bits: who wants another text of the same words has to make 2^79 root keys. */
const wordCount = 10;

/** A cluster's name: four words of its id, for people who have to say which one they mean. */
export function clusterName(cluster: string): string {
  return fingerprintWords(`twinlock cluster ${cluster}`).slice(0, 4).join('-');
}

/** The first 80 bits of a text's SHA-256 as words, for people to compare. */
export function fingerprintWords(text: string): string[] {
  const digest = createHash('sha256').update(text).digest();
  return [...digest.subarray(0, wordCount)].map((byte) => words[byte] ?? '');
}
