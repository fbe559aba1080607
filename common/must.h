/* Bugs stop the process, in every build. Input never reaches a `must`: it gets an error value. */
#pragma once

#define must(condition) ((condition) ? (void)0 : must_failed(#condition, __FILE__, __LINE__))

__attribute__((noreturn)) void must_failed(const char *condition, const char *file, int line);
