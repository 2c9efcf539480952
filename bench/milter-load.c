/*
 * Plays Postfix towards a milter: ready-made frames over CONNECTIONS unix-socket connections, a
 * thread each, and the time of every answer. It knows nothing of the protocol but its framing.
 *
 * usage: milter-load SOCKET SCRIPT CONNECTIONS MESSAGES FIRST INTERVAL_US EACH MODULO BASE
 *   SCRIPT       lines NAME HEX: offer, connect, envelope, end, next, quit
 *   FIRST        number of the first message
 *   INTERVAL_US  mean pause between a connection's messages, by chance half to one and a half of it,
 *                so that they do not march in step; 0 for none
 *   EACH         1: a new connection for each message
 * In a frame `@@@@@@@@@@` becomes the message's number, its queue id, and `#######` BASE + the number
 * modulo MODULO, its destination.
 * Prints JSON. Exit 1 when an answer is neither continue nor quarantine.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { OFFER, CONNECT, ENVELOPE, END, NEXT, QUIT, STEPS };
static const char *const names[STEPS] = {"offer", "connect", "envelope", "end", "next", "quit"};

struct step {
    unsigned char *bytes;
    size_t length;
};

static struct step script[STEPS];
static const char *path;
static long messages, first, interval_us, modulo, base;
static int each;
static long taken, quarantined;
static uint32_t *answer_us10; /* by message, in tenths of a microsecond */

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void read_script(const char *file)
{
    FILE *in = fopen(file, "r");
    char name[32];
    char *hex = malloc(1 << 20);
    if (in == NULL || hex == NULL)
        die(file);
    while (fscanf(in, "%31s %1048575s", name, hex) == 2) {
        for (int i = 0; i < STEPS; i++) {
            if (strcmp(name, names[i]) != 0)
                continue;
            size_t length = strlen(hex) / 2;
            script[i].bytes = malloc(length);
            script[i].length = length;
            for (size_t at = 0; at < length; at++) {
                unsigned byte;
                sscanf(hex + 2 * at, "%2x", &byte);
                script[i].bytes[at] = (unsigned char)byte;
            }
        }
    }
    free(hex);
    fclose(in);
}

static void number(unsigned char *bytes, size_t length, const char *mark, long value)
{
    size_t width = strlen(mark);
    char digits[24];
    snprintf(digits, sizeof digits, "%0*ld", (int)width, value);
    for (size_t at = 0; at + width <= length; at++)
        if (bytes[at] == (unsigned char)mark[0] && memcmp(bytes + at, mark, width) == 0)
            memcpy(bytes + at, digits, width);
}

static void put(int fd, const unsigned char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n <= 0)
            die("write");
        bytes += n;
        length -= (size_t)n;
    }
}

/* The final answer to one event: its letter; quarantines before it are counted. */
static int answer(int fd, unsigned char *buffer, size_t size, long *held)
{
    size_t have = 0;
    for (;;) {
        ssize_t n = read(fd, buffer + have, size - have);
        if (n <= 0) {
            fprintf(stderr, "the milter hung up\n");
            exit(1);
        }
        have += (size_t)n;
        size_t at = 0;
        while (have - at >= 5) {
            size_t length = (size_t)buffer[at] << 24 | (size_t)buffer[at + 1] << 16 |
                            (size_t)buffer[at + 2] << 8 | buffer[at + 3];
            if (have - at < 4 + length)
                break;
            int letter = buffer[at + 4];
            if (letter != 'q')
                return letter;
            ++*held;
            at += 4 + length;
        }
        memmove(buffer, buffer + at, have - at);
        have -= at;
    }
}

static int opened(unsigned char *buffer, size_t size)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    long none = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strncpy(to.sun_path, path, sizeof to.sun_path - 1);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        die(path);
    for (int i = OFFER; i <= CONNECT; i++) {
        put(fd, script[i].bytes, script[i].length);
        answer(fd, buffer, size, &none);
    }
    return fd;
}

static void *connection(void *unused)
{
    (void)unused;
    size_t size = 65536;
    unsigned char *in = malloc(size), *out = malloc(1 << 20);
    int fd = -1;
    long held = 0;
    unsigned seed = (unsigned)(uintptr_t)in;
    for (;;) {
        long mine = __atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
        if (mine >= messages)
            break;
        if (interval_us > 0)
            usleep((useconds_t)(interval_us / 2 + rand_r(&seed) % interval_us));
        int fresh = fd < 0;
        if (fresh)
            fd = opened(in, size);
        for (int i = ENVELOPE; i <= END; i++) {
            size_t length = 0;
            if (i == ENVELOPE && !fresh) {
                memcpy(out, script[NEXT].bytes, script[NEXT].length);
                length = script[NEXT].length;
            }
            memcpy(out + length, script[i].bytes, script[i].length);
            length += script[i].length;
            number(out, length, "@@@@@@@@@@", first + mine);
            number(out, length, "#######", base + (first + mine) % modulo);
            double from = now_s();
            put(fd, out, length);
            int letter = answer(fd, in, size, &held);
            if (i == END)
                answer_us10[mine] = (uint32_t)((now_s() - from) * 1e7);
            if (letter != 'c') {
                fprintf(stderr, "answer %c to %s\n", letter, names[i]);
                exit(1);
            }
        }
        if (each) {
            put(fd, script[QUIT].bytes, script[QUIT].length);
            close(fd);
            fd = -1;
        }
    }
    if (fd >= 0) {
        put(fd, script[QUIT].bytes, script[QUIT].length);
        close(fd);
    }
    __atomic_fetch_add(&quarantined, held, __ATOMIC_RELAXED);
    free(in);
    free(out);
    return NULL;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc != 10) {
        fprintf(stderr, "usage: milter-load SOCKET SCRIPT CONNECTIONS MESSAGES FIRST INTERVAL_US "
                        "EACH MODULO BASE\n");
        return 2;
    }
    path = argv[1];
    read_script(argv[2]);
    int connections = atoi(argv[3]);
    messages = atol(argv[4]);
    first = atol(argv[5]);
    interval_us = atol(argv[6]);
    each = atoi(argv[7]);
    modulo = atol(argv[8]);
    base = atol(argv[9]);
    answer_us10 = calloc((size_t)messages, sizeof *answer_us10);
    pthread_t *threads = calloc((size_t)connections, sizeof *threads);
    if (answer_us10 == NULL || threads == NULL)
        die("memory");
    double from = now_s();
    for (int i = 0; i < connections; i++)
        if (pthread_create(&threads[i], NULL, connection, NULL) != 0)
            die("thread");
    for (int i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    double seconds = now_s() - from;
    long above_20ms = 0;
    for (long i = 0; i < messages; i++)
        above_20ms += answer_us10[i] > 200000;
    qsort(answer_us10, (size_t)messages, sizeof *answer_us10, ascending);
#define AT(part) ((double)answer_us10[(size_t)((double)(messages - 1) * (part))] / 1e4)
    printf("{\"messages\":%ld,\"seconds\":%.4f,\"quarantined\":%ld,\"p50Ms\":%.3f,\"p99Ms\":%.3f,"
           "\"p999Ms\":%.3f,\"mostMs\":%.3f,\"above20ms\":%ld}\n",
           messages, seconds, quarantined, AT(0.5), AT(0.99), AT(0.999), AT(1), above_20ms);
    return 0;
}
