#include "CBundledPacks.h"
