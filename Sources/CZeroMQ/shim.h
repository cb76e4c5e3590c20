#pragma once
#include <zmq.h>
// What a poller waits for beside sockets.
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
