// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <zmq.h>
// What a poller waits for beside sockets.
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
