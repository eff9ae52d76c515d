/* The clients of the fan-out benchmark: N WebSockets in one epoll loop, fast enough never to be what is measured.
 *
 *     client HOST PORT PATH CLIENTS STALLED OFFER
 *
 * Of the CLIENTS the STALLED first ones never read after the handshake; OFFER 1 offers permessage-deflate. Prints one
 * JSON line when all of them are connected, takes one line `T0 END GAP DUE` (nanoseconds of CLOCK_MONOTONIC, and the
 * events that every client should get; 0: not known), counts until END or until every healthy client has got its DUE,
 * and prints one JSON line of what it saw. Latency runs from the time an event was meant for, which the event carries
 * as "t", to the return of the read that brought it. Messages without a "t" above 0 are no events.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_ZLIB
#include <zlib.h>
#endif

enum { READ_SIZE = 64 * 1024, LARGEST = 64 * 1024 * 1024, INFLATED = 1024 * 1024, ACK_SLOTS = 100, CLOSE_MS = 150 };
/* Of RFC 6455, with its answer: saves a SHA-1. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

struct bytes {
    uint8_t *at;
    size_t length, capacity;
};

struct connection {
    int fd;
    bool stalled, open, reset, mute, compressed;
    struct bytes in, message; /* what is not parsed yet; what continuation frames add up to */
    bool message_deflated;
    int64_t events, gaps, duplicates, last_seq, last_t, closed_at;
#ifdef WITH_ZLIB
    z_stream inflater;
#endif
};

static struct connection *connections;
static int count, waiting, epoll;
static int64_t t0, end, gap, due, first_read, last_read, unclear, highest;
static double sum_ms;

static void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("client: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void reserve(struct bytes *bytes, size_t capacity) {
    if (bytes->capacity >= capacity) return;
    if (capacity > LARGEST) die("a message of more than %d bytes", LARGEST);
    bytes->capacity = capacity;
    if (!(bytes->at = realloc(bytes->at, capacity))) die("out of memory");
}

/* Latencies in microseconds, in buckets no wider than 1/256 of their value. */

enum { SUB_BITS = 8 };
static int64_t buckets[(64 - SUB_BITS) << SUB_BITS], recorded;

static void record(int64_t ns) {
    uint64_t us = ns > 0 ? ns / 1000 : 0;
    int shift = us >> (SUB_BITS + 1) ? 63 - __builtin_clzll(us) - SUB_BITS : 0;
    buckets[((uint64_t)shift << SUB_BITS) + (us >> shift)]++;
    recorded++;
    sum_ms += ns / 1e6;
    if (ns > highest) highest = ns;
}

static double percentile(double share) {
    int64_t rank = (int64_t)(share * recorded + 0.999999), seen = 0;
    for (size_t index = 0; index < sizeof buckets / sizeof *buckets; index++)
        if ((seen += buckets[index]) >= rank && seen) {
            uint64_t shift = index >> SUB_BITS ? (index >> SUB_BITS) - 1 : 0;
            return (double)((index - (shift << SUB_BITS)) << shift) / 1000;
        }
    return 0;
}

/* Messages */

static int64_t number_after(const uint8_t *text, size_t length, const char *name) {
    const uint8_t *at = memmem(text, length, name, strlen(name)), *beyond = text + length;
    if (!at) return -1;
    at += strlen(name);
    while (at < beyond && *at == ' ') at++;
    if (at == beyond || *at < '0' || *at > '9') return -1;
    int64_t number = 0;
    for (; at < beyond && *at >= '0' && *at <= '9'; at++) number = number * 10 + (*at - '0');
    return number;
}

static void take_text(struct connection *c, const uint8_t *text, size_t length, int64_t now) {
    int64_t t = number_after(text, length, "\"t\":");
    if (t <= 0) return;
    int64_t seq = number_after(text, length, "\"seq\":");
    if (c->events && seq <= c->last_seq) {
        c->duplicates++;
        return;
    }
    if (c->events) c->gaps += seq - c->last_seq - 1;
    c->events++;
    c->last_seq = seq;
    c->last_t = t;
    if (c->stalled) return;
    if (due && c->events == due) waiting--;
    if (!first_read) first_read = now;
    last_read = now;
    record(now - t);
}

static void take_message(struct connection *c, bool deflated, const uint8_t *text, size_t length, int64_t now) {
    if (!deflated) {
        take_text(c, text, length, now);
        return;
    }
#ifdef WITH_ZLIB
    static uint8_t inflated[INFLATED];
    static uint8_t tail[4] = {0, 0, 0xff, 0xff};
    c->inflater.next_out = inflated;
    c->inflater.avail_out = sizeof inflated;
    for (int part = 0; part < 2; part++) {
        c->inflater.next_in = part ? tail : (uint8_t *)text;
        c->inflater.avail_in = part ? sizeof tail : length;
        while (c->inflater.avail_in) {
            int result = inflate(&c->inflater, Z_SYNC_FLUSH);
            if (result != Z_OK && result != Z_BUF_ERROR) die("a message that cannot be inflated: %d", result);
            if (!c->inflater.avail_out) die("a deflated message of more than %d bytes", INFLATED);
        }
    }
    take_text(c, inflated, sizeof inflated - c->inflater.avail_out, now);
#else
    unclear++; /* cannot be told from an init message; the number of events is what is left of them */
    if (!first_read) first_read = now;
    last_read = now;
    if (due && ++c->events == due) waiting--;
#endif
}

/* Frames */

static void over(struct connection *c, bool reset) {
    if (!c->open) return;
    c->open = false;
    c->reset = reset;
    c->closed_at = now_ns();
    if (!c->stalled && due && c->events < due) waiting--;
    epoll_ctl(epoll, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
}

static void send_frame(struct connection *c, int opcode, const uint8_t *text, size_t length) {
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t frame[6 + 125] = {0x80 | opcode, 0x80 | length, mask[0], mask[1], mask[2], mask[3]};
    if (c->mute || length > 125) return;
    for (size_t index = 0; index < length; index++) frame[6 + index] = text[index] ^ mask[index & 3];
    /* Of a server that does not read no more is asked; half a frame must not be followed by another. */
    if (send(c->fd, frame, 6 + length, MSG_NOSIGNAL) != (ssize_t)(6 + length)) c->mute = true;
}

static void take_frame(struct connection *c, uint8_t first, const uint8_t *payload, size_t length, int64_t now) {
    int opcode = first & 0x0f;
    bool last = first & 0x80;
    if (opcode == 9) send_frame(c, 10, payload, length);
    if (opcode == 8) {
        send_frame(c, 8, payload, length < 2 ? 0 : 2);
        over(c, false);
    }
    if (opcode > 2) return;
    if (opcode && last) {
        take_message(c, first & 0x40, payload, length, now);
        return;
    }
    if (opcode) {
        c->message.length = 0;
        c->message_deflated = first & 0x40;
    }
    reserve(&c->message, c->message.length + length + 1);
    memcpy(c->message.at + c->message.length, payload, length);
    c->message.length += length;
    if (last) take_message(c, c->message_deflated, c->message.at, c->message.length, now);
}

static void parse(struct connection *c, int64_t now) {
    size_t at = 0;
    while (c->open && c->in.length - at >= 2) {
        const uint8_t *frame = c->in.at + at;
        uint64_t length = frame[1] & 0x7f;
        size_t head = length < 126 ? 2 : length == 126 ? 4 : 10;
        if (frame[1] & 0x80) die("a masked frame from the server");
        if (c->in.length - at < head) break;
        if (head > 2) {
            length = 0;
            for (size_t index = 2; index < head; index++) length = length << 8 | frame[index];
        }
        if (length > LARGEST) die("a frame of %llu bytes", (unsigned long long)length);
        if (c->in.length - at < head + length) break;
        take_frame(c, frame[0], frame + head, length, now);
        at += head + length;
    }
    memmove(c->in.at, c->in.at + at, c->in.length - at);
    c->in.length -= at;
}

/* Reads once; whether more may follow at once. */
static bool take(struct connection *c) {
    reserve(&c->in, READ_SIZE);
    if (c->in.length == c->in.capacity) reserve(&c->in, c->in.capacity * 2);
    ssize_t got = recv(c->fd, c->in.at + c->in.length, c->in.capacity - c->in.length, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got <= 0) {
        over(c, got < 0);
        return false;
    }
    c->in.length += got;
    parse(c, now_ns());
    return c->open;
}

/* The handshake */

static void dial(struct connection *c, const char *host, int port, const char *path, bool offer) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    char request[1024];
    int small = 4096, on = 1;
    struct timeval patience = {.tv_sec = 20};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) die("no IPv4 address: %s", host);
    if ((c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0) die("socket: %s", strerror(errno));
    if (c->stalled) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address)) die("connect: %s", strerror(errno));
    int length = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " KEY
        "\r\nSec-WebSocket-Version: 13\r\n%s\r\n", path, host, port,
        offer ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" : "");
    if (send(c->fd, request, length, MSG_NOSIGNAL) != length) die("send: %s", strerror(errno));
}

static void shake_hands(struct connection *c) {
    char head[4096];
    size_t length = 0;
    /* Byte by byte: what follows the empty line is left to the kernel, above all of clients that do not read. */
    while (length < 4 || memcmp(head + length - 4, "\r\n\r\n", 4)) {
        if (length == sizeof head - 1) die("a long answer to the handshake");
        if (recv(c->fd, head + length, 1, 0) != 1) die("no answer to the handshake: %s", strerror(errno));
        length++;
    }
    head[length] = 0;
    if (strncmp(head, "HTTP/1.1 101", 12) || !strstr(head, ACCEPT)) die("refused: %.*s", 200, head);
    c->compressed = strcasestr(head, "permessage-deflate") != NULL;
#ifdef WITH_ZLIB
    if (c->compressed && inflateInit2(&c->inflater, -15) != Z_OK) die("zlib");
#endif
    c->open = true;
    /* Of a stalled one only its end is told. */
    struct epoll_event event = {.events = c->stalled ? EPOLLRDHUP : EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event)) die("epoll: %s", strerror(errno));
}

/* The run */

static void turn(int timeout_ms) {
    struct epoll_event events[256];
    int ready = epoll_wait(epoll, events, 256, timeout_ms);
    for (int index = 0; index < ready; index++) {
        struct connection *c = events[index].data.ptr;
        if (!c) {
            char line[256];
            if (!fgets(line, sizeof line, stdin)) exit(0);
            long long values[4];
            if (sscanf(line, "%lld %lld %lld %lld", values, values + 1, values + 2, values + 3) != 4) die("orders");
            t0 = values[0], end = values[1], gap = values[2], due = values[3];
            epoll_ctl(epoll, EPOLL_CTL_DEL, 0, NULL);
        } else if (c->stalled) {
            /* What its kernel had taken in is still there: the first event beyond is the one it did not get. */
            while (take(c)) {}
        } else if (c->open) {
            take(c);
        }
    }
}

static void acknowledge(int slot) {
    char text[64];
    for (int index = slot; index < count; index += ACK_SLOTS) {
        struct connection *c = &connections[index];
        if (!c->open || c->stalled || !c->events) continue;
        int length = snprintf(text, sizeof text, "{\"type\":\"ack\",\"seq\":%lld}", (long long)c->last_seq);
        send_frame(c, 1, (uint8_t *)text, length);
    }
}

static void print_ages(const char *name, bool stalled) {
    const char *comma = "";
    printf("\"%s\": [", name);
    for (int index = 0; index < count; index++) {
        struct connection *c = &connections[index];
        if (c->stalled != stalled || !c->closed_at) continue;
        int64_t missed = c->events ? c->last_t + gap : t0;
        printf("%s%.1f", comma, (c->closed_at - missed) / 1e6);
        comma = ", ";
    }
    printf("], ");
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void print_result(double cpu) {
    int64_t delivered = unclear, gaps = 0, duplicates = 0, least = INT64_MAX, most = 0, resets = 0;
    for (int index = 0; index < count; index++) {
        struct connection *c = &connections[index];
        resets += c->reset;
        if (c->stalled) continue;
        if (!unclear) delivered += c->events;
        gaps += c->gaps, duplicates += c->duplicates;
        if (c->events < least) least = c->events;
        if (c->events > most) most = c->events;
    }
    printf("{\"delivered\": %lld, \"gaps\": %lld, \"duplicates\": %lld, \"least\": %lld, \"most\": %lld, ",
        (long long)delivered, (long long)gaps, (long long)duplicates, (long long)least, (long long)most);
    print_ages("closed_ms", false);
    print_ages("stalled_closed_ms", true);
    printf("\"resets\": %lld, \"first_ns\": %lld, \"last_ns\": %lld, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
        "\"max_ms\": %.3f, \"mean_ms\": %.3f, \"client_cpu_s\": %.4f}\n", (long long)resets, (long long)first_read,
        (long long)last_read, percentile(0.5), percentile(0.99), highest / 1e6, recorded ? sum_ms / recorded : 0, cpu);
    fflush(stdout);
}

static void say_goodbye(void) {
    int64_t until = now_ns() + CLOSE_MS * 1000000LL;
    for (int index = 0; index < count; index++)
        if (connections[index].open && !connections[index].stalled)
            send_frame(&connections[index], 8, (const uint8_t *)"\x03\xe8", 2);
    for (bool open = true; open && now_ns() < until;) {
        turn(10);
        open = false;
        for (int index = 0; index < count; index++) open |= connections[index].open && !connections[index].stalled;
    }
}

int main(int argc, char **argv) {
    if (argc != 7) die("usage: client HOST PORT PATH CLIENTS STALLED OFFER");
    int stalled = atoi(argv[5]), compressed = 0;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    setvbuf(stdin, NULL, _IONBF, 0);
    count = atoi(argv[4]);
    connections = calloc(count, sizeof *connections);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int index = 0; index < count; index++) {
        connections[index].stalled = index < stalled;
        dial(&connections[index], argv[1], atoi(argv[2]), argv[3], atoi(argv[6]));
    }
    for (int index = 0; index < count; index++) shake_hands(&connections[index]);
    for (int index = 0; index < count; index++) compressed += connections[index].compressed;
    struct epoll_event orders = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &orders)) die("standard input: %s", strerror(errno));
    printf("{\"ready\": %d, \"compressed\": %d}\n", count, compressed);
    fflush(stdout);

    while (!end) turn(1000);
    double cpu = cpu_seconds();
    waiting = count - stalled;
    int slot = 0;
    for (int64_t tick = now_ns(), now = tick; now < end && (!due || waiting); now = now_ns()) {
        turn(10);
        for (; tick < now; tick += 1000000000LL / ACK_SLOTS) acknowledge(slot++ % ACK_SLOTS);
    }
    print_result(cpu_seconds() - cpu);
    say_goodbye();
    return 0;
}
