/*
 * Loaded before Node where the C library is older than that which the prebuilt addon of Jazzer.js
 * was linked against (glibc 2.38, libstdc++ 13): the three names it takes from there. In C the two
 * differ from their forerunners in binary literals alone.
 */
#include <cstdlib>
#include <iostream>

extern "C" {
long __isoc23_strtol(const char *text, char **end, int base) { return strtol(text, end, base); }
unsigned long __isoc23_strtoul(const char *text, char **end, int base) {
  return strtoul(text, end, base);
}
/* Here the streams are there once this library is loaded: <iostream> sees to it. */
void _ZSt21ios_base_library_initv(void) {}
}
