/* One version for the three programs. */
#pragma once

#define TKSK_VERSION "0.1.0"
