import { isPath } from './word.ts';
import type { Place, Word } from './word.ts';

const quoted = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** A script for a folder of completions under the name `twinlock.fish`. */
export function fishCompletion(places: readonly Place[]): string {
  const nouns = places.filter(({ after, words }) => after !== '' && words.length > 0);
  return [
    '# fish completion for twinlock; made by `twinlock completion fish`',
    `set -g __twinlock_valued ${valuedOptions(places).join(' ')}`,
    'function __twinlock_at --description "whether the words so far are these"',
    '  set -l words',
    '  set -l skip 0',
    '  for word in (commandline -opc)[2..]',
    '    if test $skip = 1',
    '      set skip 0',
    '    else if contains -- $word $__twinlock_valued',
    '      set skip 1',
    '    else if not string match -q -- "-*" $word',
    '      set -a words $word',
    '    end',
    '  end',
    `  for noun in ${nouns.map(({ after }) => after).join(' ')}`,
    '    if test "$words[1]" = $noun',
    '      test "$words[1..2]" = "$argv"',
    '      return',
    '    end',
    '  end',
    '  test "$words[1]" = "$argv"',
    'end',
    'complete -c twinlock -f',
    ...places.flatMap((place) => linesOf(place)),
    '',
  ].join('\n');
}

function valuedOptions(places: readonly Place[]): string[] {
  const all = places.flatMap(({ options }) => options);
  return [...new Set(all.filter(({ value }) => value !== undefined).map(({ word }) => word))];
}

function linesOf({ after, words, options, files }: Place): string[] {
  const when = `complete -c twinlock -n ${quoted(`__twinlock_at ${after}`)}`;
  const option = (each: Word): string => {
    const value = each.value === undefined ? '' : isPath(each) ? ' -r -F' : ' -x';
    return `${when} -l ${each.word.replace(/^--/, '')}${value} -d ${quoted(each.what)}`;
  };
  return [
    ...words.map(({ word, what }) => `${when} -a ${quoted(word)} -d ${quoted(what)}`),
    ...options.map(option),
    ...(files ? [`${when} -F`] : []),
  ];
}
