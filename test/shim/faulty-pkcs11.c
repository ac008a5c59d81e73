/*
 * A PKCS#11 module for tests: forwards every call to the real module and, by order, fails, hangs,
 * crashes, or answers as another vendor's module would.
 *
 * Environment: SHIM_MODULE, path of the real module; SHIM_FOLDER, a folder with
 *   orders  what to do, one order a line; read again before each call, so it may change mid-run;
 *   calls   written here: one line for each call, "NAME RESULT", results in hexadecimal;
 *   counts  written here: how often each function was called, by all processes together.
 *
 * Orders:
 *   epoch NUMBER                       another number than last time: count from zero again
 *   fault NAME N return VALUE          the N-th call of NAME (* is any) answers VALUE (hexadecimal)
 *   fault NAME N+ return VALUE         so does every later one
 *   fault NAME N hang | crash          and the same with N+
 *   say label|manufacturer|model|serial TEXT
 *   removed                            the token is pulled; without the line it is back again
 *   refuse-mechanism VALUE             CKR_MECHANISM_INVALID
 *   refuse-attribute VALUE             CKR_ATTRIBUTE_TYPE_INVALID when a template has it
 *   most-bits N                        CKR_ATTRIBUTE_VALUE_INVALID for longer RSA keys
 *   bits N                             makes RSA keys of N bits whatever is asked
 *   attributes-after-login             a new key's attributes read 0 until the next C_Login
 *   attribute-false VALUE              this attribute always reads 0
 *   no-initialising                    C_InitToken, C_InitPIN: CKR_FUNCTION_NOT_SUPPORTED
 *   pin-with-key-id                    a PIN is 4 hexadecimal digits and 8 to 64 characters
 *   plain-ids                          CKA_ID and CKA_LABEL: letters, digits, "-", "_", "." only
 */
#include <ctype.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef unsigned long Word;

/* The functions of PKCS#11 2.40 in the order of CK_FUNCTION_LIST, with their numbers of arguments. */
#define FUNCTIONS(X)                                                                               \
  X(C_Initialize, 1) X(C_Finalize, 1) X(C_GetInfo, 1) X(C_GetFunctionList, 1)                      \
  X(C_GetSlotList, 3) X(C_GetSlotInfo, 2) X(C_GetTokenInfo, 2) X(C_GetMechanismList, 3)            \
  X(C_GetMechanismInfo, 3) X(C_InitToken, 4) X(C_InitPIN, 3) X(C_SetPIN, 5) X(C_OpenSession, 5)    \
  X(C_CloseSession, 1) X(C_CloseAllSessions, 1) X(C_GetSessionInfo, 2) X(C_GetOperationState, 3)   \
  X(C_SetOperationState, 5) X(C_Login, 4) X(C_Logout, 1) X(C_CreateObject, 4) X(C_CopyObject, 5)   \
  X(C_DestroyObject, 2) X(C_GetObjectSize, 3) X(C_GetAttributeValue, 4) X(C_SetAttributeValue, 4)  \
  X(C_FindObjectsInit, 3) X(C_FindObjects, 4) X(C_FindObjectsFinal, 1) X(C_EncryptInit, 3)         \
  X(C_Encrypt, 5) X(C_EncryptUpdate, 5) X(C_EncryptFinal, 3) X(C_DecryptInit, 3) X(C_Decrypt, 5)   \
  X(C_DecryptUpdate, 5) X(C_DecryptFinal, 3) X(C_DigestInit, 2) X(C_Digest, 5)                     \
  X(C_DigestUpdate, 3) X(C_DigestKey, 2) X(C_DigestFinal, 3) X(C_SignInit, 3) X(C_Sign, 5)         \
  X(C_SignUpdate, 3) X(C_SignFinal, 3) X(C_SignRecoverInit, 3) X(C_SignRecover, 5)                 \
  X(C_VerifyInit, 3) X(C_Verify, 5) X(C_VerifyUpdate, 3) X(C_VerifyFinal, 3)                       \
  X(C_VerifyRecoverInit, 3) X(C_VerifyRecover, 5) X(C_DigestEncryptUpdate, 5)                      \
  X(C_DecryptDigestUpdate, 5) X(C_SignEncryptUpdate, 5) X(C_DecryptVerifyUpdate, 5)                \
  X(C_GenerateKey, 5) X(C_GenerateKeyPair, 8) X(C_WrapKey, 6) X(C_UnwrapKey, 8) X(C_DeriveKey, 6)  \
  X(C_SeedRandom, 3) X(C_GenerateRandom, 3) X(C_GetFunctionStatus, 1) X(C_CancelFunction, 1)       \
  X(C_WaitForSlotEvent, 3)

#define NUMBER(name, arguments) number_##name,
enum { FUNCTIONS(NUMBER) functions };
#define NAME(name, arguments) #name,
static const char *const names[] = {FUNCTIONS(NAME)};
#define ARGUMENTS(name, arguments) arguments,
static const int arguments_of[] = {FUNCTIONS(ARGUMENTS)};

typedef struct {
  unsigned char version[2];
  void *functions[functions];
} List;
typedef struct {
  Word type;
  void *value;
  Word length;
} Attribute;
typedef struct {
  Word epoch;
  Word all;
  Word each[functions];
} Counts;

enum { ok = 0, arguments_bad = 7, type_invalid = 0x12, value_invalid = 0x13, removed_rv = 0x32,
       not_supported = 0x54, mechanism_invalid = 0x70, pin_incorrect = 0xA0,
       handle_invalid = 0xB3, not_present = 0xE0 };
enum { attribute_label = 3, attribute_id = 0x102, attribute_bits = 0x121 };

static List *real;
static Counts *counts;
static char orders[8192];
static int fresh_key, pulled, told;
static Word session_slot;

static const char *in_folder(const char *name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/%s", getenv("SHIM_FOLDER"), name);
  return path;
}

static void give_up(const char *why) {
  fprintf(stderr, "faulty-pkcs11: %s\n", why);
  abort();
}

static void read_orders(void) {
  int file = open(in_folder("orders"), O_RDONLY);
  ssize_t length = file < 0 ? 0 : read(file, orders, sizeof orders - 1);
  if (file >= 0) close(file);
  orders[length < 0 ? 0 : length] = 0;
}

/* The text behind an order's name, from `from` on; NULL where there is none. */
static const char *order(const char *name, const char *from) {
  size_t length = strlen(name);
  for (const char *line = from == NULL ? orders : from; line != NULL && *line != 0;) {
    if (strncmp(line, name, length) == 0 && (line[length] == ' ' || line[length] == '\n'))
      return line + length + (line[length] == ' ');
    line = strchr(line, '\n');
    if (line != NULL) line++;
  }
  return NULL;
}

/* Whether one of the orders of this name has this hexadecimal value. */
static int ordered(const char *name, Word value) {
  for (const char *text = order(name, NULL); text != NULL; text = order(name, text))
    if (strtoul(text, NULL, 16) == value) return 1;
  return 0;
}

static void log_call(int number, Word result, const char *why) {
  char line[96];
  int length = snprintf(line, sizeof line, "%s %lx%s\n", names[number], result, why);
  int file = open(in_folder("calls"), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (file < 0 || write(file, line, length) != length) give_up("cannot write its log");
  close(file);
}

static void count(int number) {
  const char *text = order("epoch", NULL);
  Word epoch = text == NULL ? 0 : strtoul(text, NULL, 10);
  if (counts->epoch != epoch) {
    memset(counts, 0, sizeof *counts);
    counts->epoch = epoch;
  }
  counts->all++;
  counts->each[number]++;
}

/* 1 where a fault is due: `result` is what the call answers then. Hangs and crashes do not return. */
static int fault(int number, Word *result) {
  for (const char *text = order("fault", NULL); text != NULL; text = order("fault", text)) {
    char name[40], plus, what[16];
    Word n, value = 0;
    if (sscanf(text, "%39s %lu%c %15s %lx", name, &n, &plus, what, &value) < 4) continue;
    if (strcmp(name, "*") != 0 && strcmp(name, names[number]) != 0) continue;
    Word now = *name == '*' ? counts->all : counts->each[number];
    if (plus == '+' ? now < n : now != n) continue;
    if (strcmp(what, "hang") == 0) {
      log_call(number, 0, " hang");
      for (;;) pause();
    }
    if (strcmp(what, "crash") == 0) {
      log_call(number, 0, " crash");
      raise(SIGSEGV);
    }
    *result = value;
    return 1;
  }
  return 0;
}

static int in_session(int number) {
  return number >= number_C_CloseSession && number != number_C_CloseAllSessions &&
         number != number_C_WaitForSlotEvent;
}

static Word call(int number, const Word *a);

/* A pulled token: its sessions are gone, and the first call in one is told why. */
static int absence(int number, Word *a, Word *result) {
  int now = order("removed", NULL) != NULL;
  if (now && !pulled) {
    Word slot[1] = {session_slot};
    call(number_C_CloseAllSessions, slot);
    told = 0;
  }
  pulled = now;
  if (!now) return 0;
  if (number == number_C_GetSlotList && (a[0] & 0xff) != 0) {
    *(Word *)a[2] = 0;
    *result = ok;
    return 1;
  }
  *result = not_present;
  if (in_session(number)) *result = told++ == 0 ? removed_rv : handle_invalid;
  return in_session(number) || number == number_C_GetTokenInfo || number == number_C_OpenSession ||
         number == number_C_InitToken;
}

static int plain(const Attribute *attribute) {
  const unsigned char *text = attribute->value;
  if (attribute->length == 0 || !isalnum(text[0])) return 0;
  for (Word i = 1; i < attribute->length; i++)
    if (!isalnum(text[i]) && strchr("-_.", text[i]) == NULL) return 0;
  return 1;
}

static int template_refused(const Attribute *attributes, Word length, Word *result) {
  const char *most = order("most-bits", NULL);
  for (Word i = 0; i < length; i++) {
    const Attribute *each = &attributes[i];
    *result = type_invalid;
    if (ordered("refuse-attribute", each->type)) return 1;
    *result = value_invalid;
    if ((each->type == attribute_id || each->type == attribute_label) &&
        order("plain-ids", NULL) != NULL && !plain(each))
      return 1;
    if (each->type == attribute_bits && most != NULL && *(Word *)each->value > strtoul(most, 0, 10))
      return 1;
  }
  return 0;
}

/* What another vendor's module would say to this call before it did anything. */
static int refusal(int number, Word *a, Word *result) {
  if ((number == number_C_InitToken || number == number_C_InitPIN) &&
      order("no-initialising", NULL) != NULL) {
    *result = not_supported;
    return 1;
  }
  if ((number == number_C_DecryptInit || number == number_C_GenerateKeyPair) &&
      ordered("refuse-mechanism", *(Word *)a[1])) {
    *result = mechanism_invalid;
    return 1;
  }
  if (number == number_C_GenerateKeyPair)
    return template_refused((Attribute *)a[2], a[3], result) ||
           template_refused((Attribute *)a[4], a[5], result);
  if (number == number_C_Login && order("pin-with-key-id", NULL) != NULL) {
    const unsigned char *pin = (const unsigned char *)a[2];
    *result = arguments_bad;
    if (a[3] < 4 + 8 || a[3] > 4 + 64) return 1;
    *result = pin_incorrect;
    for (int i = 0; i < 4; i++)
      if (!isxdigit(pin[i])) return 1;
    a[2] += 4;
    a[3] -= 4;
  }
  return 0;
}

static Word call(int number, const Word *a) {
  void *f = real->functions[number];
  switch (arguments_of[number]) {
  case 1: return ((Word(*)(Word))f)(a[0]);
  case 2: return ((Word(*)(Word, Word))f)(a[0], a[1]);
  case 3: return ((Word(*)(Word, Word, Word))f)(a[0], a[1], a[2]);
  case 4: return ((Word(*)(Word, Word, Word, Word))f)(a[0], a[1], a[2], a[3]);
  case 5: return ((Word(*)(Word, Word, Word, Word, Word))f)(a[0], a[1], a[2], a[3], a[4]);
  case 6:
    return ((Word(*)(Word, Word, Word, Word, Word, Word))f)(a[0], a[1], a[2], a[3], a[4], a[5]);
  default:
    return ((Word(*)(Word, Word, Word, Word, Word, Word, Word, Word))f)(a[0], a[1], a[2], a[3], a[4],
                                                                       a[5], a[6], a[7]);
  }
}

static Word make_key_pair(Word *a) {
  const char *text = order("bits", NULL);
  Word bits = text == NULL ? 0 : strtoul(text, NULL, 10);
  Attribute *attributes = (Attribute *)a[2];
  for (Word i = 0; bits != 0 && i < a[3]; i++)
    if (attributes[i].type == attribute_bits) attributes[i].value = &bits;
  return call(number_C_GenerateKeyPair, a);
}

static void say(unsigned char *field, size_t size, const char *name) {
  char full[40];
  snprintf(full, sizeof full, "say %s", name);
  const char *text = order(full, NULL);
  if (text == NULL) return;
  size_t length = strcspn(text, "\n");
  memset(field, ' ', size);
  memcpy(field, text, length < size ? length : size);
}

/* What another vendor's module would answer where this one answered that all is well. */
static void colour(int number, const Word *a) {
  if (number == number_C_GetTokenInfo) {
    unsigned char *info = (unsigned char *)a[1];
    say(info, 32, "label");
    say(info + 32, 32, "manufacturer");
    say(info + 64, 16, "model");
    say(info + 80, 16, "serial");
  }
  if (number == number_C_OpenSession) session_slot = a[0];
  if (number == number_C_GenerateKeyPair) fresh_key = 1;
  if (number == number_C_Login) fresh_key = 0;
  if (number != number_C_GetAttributeValue) return;
  Attribute *attributes = (Attribute *)a[2];
  int hidden = fresh_key && order("attributes-after-login", NULL) != NULL;
  for (Word i = 0; i < a[3]; i++) {
    Word type = attributes[i].type;
    int told_late = type == 0x103 || (type >= 0x162 && type <= 0x165);
    if (attributes[i].value != NULL && attributes[i].length == 1 &&
        ((hidden && told_late) || ordered("attribute-false", type)))
      *(unsigned char *)attributes[i].value = 0;
  }
}

static Word relay(int number, Word *a) {
  Word result = ok;
  read_orders();
  count(number);
  if (fault(number, &result)) {
    log_call(number, result, " fault");
    return result;
  }
  if (!absence(number, a, &result) && !refusal(number, a, &result)) {
    result = number == number_C_GenerateKeyPair ? make_key_pair(a) : call(number, a);
    if (result == ok) colour(number, a);
  }
  log_call(number, result, "");
  return result;
}

#define P1 Word a
#define P2 P1, Word b
#define P3 P2, Word c
#define P4 P3, Word d
#define P5 P4, Word e
#define P6 P5, Word f
#define P8 P6, Word g, Word h
#define A1 a
#define A2 A1, b
#define A3 A2, c
#define A4 A3, d
#define A5 A4, e
#define A6 A5, f
#define A8 A6, g, h
#define WRAPPER(name, n)                                                                           \
  static Word shim_##name(P##n) {                                                                  \
    Word all[8] = {A##n};                                                                          \
    return relay(number_##name, all);                                                              \
  }
FUNCTIONS(WRAPPER)

#define ENTRY(name, n) (void *)shim_##name,
static List ours = {{2, 40}, {FUNCTIONS(ENTRY)}};

Word C_GetFunctionList(List **list) {
  const char *path = getenv("SHIM_MODULE");
  if (path == NULL || getenv("SHIM_FOLDER") == NULL) give_up("SHIM_MODULE or SHIM_FOLDER is not set");
  void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (module == NULL) give_up(dlerror());
  Word (*get)(List **) = (Word(*)(List **))dlsym(module, "C_GetFunctionList");
  if (get == NULL || get(&real) != ok) give_up("the real module gives no functions");
  int file = open(in_folder("counts"), O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, sizeof *counts) != 0) give_up("cannot keep its counts");
  counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (counts == MAP_FAILED) give_up("cannot keep its counts");
  close(file);
  *list = &ours;
  return ok;
}
