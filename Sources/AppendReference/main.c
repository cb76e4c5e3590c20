// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

// The writes and syncs of a log and nothing else: what an append could cost at best on a disk.
//
// Appends COUNT commits of BYTES bytes: each is one pwrite into space filled with zeros before, one
// fdatasync, and one pwrite of a 512-byte claim to a second file, which is not synced. Nothing is
// encoded, hashed or checked. Prints the seconds that took.
//
// With SEGMENT 0 all space is filled before the clock starts. Otherwise files of SEGMENT bytes
// follow each other as a log's do: once one is half full, a second thread fills the next with
// zeros, a mebibyte and a sync at a time, with the rests that a log takes; the first sector of a
// file is written and synced, it gets its name, and its folder is synced.

#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SECTOR = 512, PIECE = 1 << 20 };

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void check(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static void write_all(int file, const char *bytes, size_t length, off_t position) {
    while (length > 0) {
        ssize_t done = pwrite(file, bytes, length, position);
        if (done <= 0) {
            perror("pwrite");
            exit(1);
        }
        bytes += done;
        length -= (size_t)done;
        position += done;
    }
}

static int create(const char *name) {
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check(file, name);
    return file;
}

/// Fills a file with zeros; `rests` leaves most of the disk to others.
static void fill(int file, size_t length, int rests) {
    static const char zeros[PIECE];
    for (size_t position = 0; position < length; position += PIECE) {
        size_t piece = length - position < PIECE ? length - position : PIECE;
        double start = now();
        write_all(file, zeros, piece, (off_t)position);
        if (rests) {
            check(fdatasync(file), "fdatasync");
            double rest = 3 * (now() - start) * 1e6;
            usleep(rest < 50000 ? (useconds_t)rest : 50000);
        }
    }
    check(fsync(file), "fsync");
}

static size_t segment_length;
/// The file that is filled for later, -1 until it is.
static atomic_int prepared = -1;

static void *prepare(void *folder) {
    int file = create("prepared");
    fill(file, segment_length, 1);
    check(fsync(*(int *)folder), "fsync");
    atomic_store(&prepared, file);
    return NULL;
}

/// Goes on in the file that was prepared, or in a new one where that is not done.
static int next_segment(int number, int folder) {
    static const char header[SECTOR] = "segment";
    char name[32];
    snprintf(name, sizeof name, "segment-%d", number);
    int file = atomic_exchange(&prepared, -1);
    if (file >= 0) {
        check(rename("prepared", name), "rename");
    } else {
        file = create(name);
    }
    write_all(file, header, sizeof header, 0);
    check(fdatasync(file), "fdatasync");
    check(fsync(folder), "fsync");
    return file;
}

int main(int count, char **arguments) {
    if (count != 5 || chdir(arguments[1]) != 0) {
        fprintf(stderr, "usage: AppendReference FOLDER COMMITS BYTES SEGMENT\n");
        return 64;
    }
    long commits = atol(arguments[2]);
    size_t length = (size_t)atol(arguments[3]);
    segment_length = (size_t)atol(arguments[4]);
    char *commit = malloc(length);
    char claim[SECTOR] = "claim";
    if (commit == NULL || length == 0) {
        return 1;
    }
    memset(commit, 'x', length);
    int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(folder, "open");
    int claims = create("claims");
    write_all(claims, claim, sizeof claim, 0);
    write_all(claims, claim, sizeof claim, SECTOR);
    check(fsync(claims), "fsync");
    int file = create("segment-0");
    fill(file, segment_length > 0 ? segment_length : SECTOR + (size_t)commits * length, 0);
    check(fsync(folder), "fsync");

    size_t position = SECTOR;
    int segments = 1, is_preparing = 0;
    pthread_t thread;
    double start = now();
    for (long index = 0; index < commits; index++) {
        if (segment_length > 0 && position + length > segment_length) {
            int was_late = atomic_load(&prepared) < 0;
            file = next_segment(segments++, folder);
            position = SECTOR;
            // One that is still being filled is for the file after this one.
            if (is_preparing && !was_late) {
                pthread_join(thread, NULL);
                is_preparing = 0;
            }
        }
        write_all(file, commit, length, (off_t)position);
        check(fdatasync(file), "fdatasync");
        write_all(claims, claim, sizeof claim, index % 2 * SECTOR);
        position += length;
        if (segment_length > 0 && !is_preparing && position > segment_length / 2) {
            is_preparing = pthread_create(&thread, NULL, prepare, &folder) == 0;
        }
    }
    printf("%.6f\n", now() - start);
    return 0;
}
