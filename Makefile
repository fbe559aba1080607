# tksk-sync. `make check` and `make demo` install what is missing from Debian, build and run.
#   B=DIR      all outputs (default build)      CC=clang     another compiler
#   SAN=1      ASan and UBSan, in $(B)/san      WERROR=1     warnings are errors
#   FUZZ=1     for libFuzzer, in $(B)/fuzz       V=1          show the commands

B       ?= build
SAN     ?=
FUZZ    ?=
WERROR  ?=
JOBS    ?= $(shell nproc 2>/dev/null || echo 1)
SEEDS   ?= 200
FUZZ_SECONDS ?= 20
DESTDIR ?=
PREFIX  ?= /usr

ifeq ($(SAN),1)
ifeq ($(filter %/san,$(B)),)
override B := $(B)/san
endif
endif
ifeq ($(FUZZ),1)
ifeq ($(filter %/fuzz,$(B)),)
override B := $(B)/fuzz
endif
endif

# pkg-config may be missing until `deps` has run; then these are empty and nothing but deps is asked.
PKG_CONFIG ?= pkg-config
MSGPACK := $(shell $(PKG_CONFIG) --exists msgpack 2>/dev/null && echo msgpack || echo msgpack-c)
MODULES := libczmq libzmq sqlite3 $(MSGPACK) libsodium libzstd libconfuse jansson libsystemd
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(MODULES) 2>/dev/null)
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(MODULES) 2>/dev/null)
TEST_LDLIBS := $(shell $(PKG_CONFIG) --libs cmocka 2>/dev/null)

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wformat=2 -Wmissing-prototypes \
        -Wswitch-enum -Wundef -Wcast-qual -Wvla $(if $(filter 1,$(WERROR)),-Werror)
X86  := $(filter x86_64 i%86,$(shell uname -m 2>/dev/null))
HARD := -fstack-protector-strong -fstack-clash-protection $(if $(X86),-fcf-protection) -fPIE
LINK := -pie -Wl,-z,relro,-z,now -Wl,--as-needed

ifeq ($(SAN),1)
HARD += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LINK += -fsanitize=address,undefined
else ifeq ($(FUZZ),1)
HARD += -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LINK += -fsanitize=fuzzer,address,undefined
else
HARD += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif

OPT ?= -O2 -g
Q := $(if $(V),,@)
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE $(OPT) $(WARN) $(HARD) -I. -I$(B)/gen $(PKG_CFLAGS) $(CFLAGS)
COMPILE = $(CC) $(ALL_CFLAGS) -MMD -MP

# --- sources ---------------------------------------------------------------------------------------

MAINS := hub/main.c node/main.c common/tkskctl/main.c
LAYERS := common proto node hub ctl support
SRC_common := $(wildcard common/*.c)
SRC_proto  := $(wildcard proto/*.c)
SRC_node   := $(filter-out $(MAINS),$(wildcard node/*.c))
SRC_hub    := $(filter-out $(MAINS),$(wildcard hub/*.c))
SRC_ctl    := $(filter-out $(MAINS),$(wildcard common/tkskctl/*.c))
SRC_sim    := $(wildcard tests/sim/*.c)
SRC_gen    := $(wildcard tests/gen/*.c)
SRC_support := $(wildcard tests/support/*.c)
SRC_unit   := $(wildcard tests/unit/test_*.c)
SRC_fuzz   := $(wildcard tests/fuzz/fuzz_*.c)
SRC_bench  := $(wildcard tests/bench/*.c)
SQL        := $(wildcard common/*.sql proto/*.sql node/*.sql hub/*.sql)
SQL_H      := $(patsubst %.sql,$(B)/gen/%.sql.h,$(notdir $(SQL)))
vpath %.sql common proto node hub

objects = $(patsubst %.c,$(B)/obj/%.o,$(1))
ARCHIVES := $(LAYERS:%=$(B)/lib%.a)

PROGRAMS := $(if $(wildcard hub/main.c),$(B)/tksk-hub) $(if $(wildcard node/main.c),$(B)/tksk-node) \
            $(if $(wildcard common/tkskctl/main.c),$(B)/tkskctl)
UNITS    := $(SRC_unit:%.c=$(B)/%)
SIM      := $(if $(SRC_sim),$(B)/tests/sim/sim)
PEOPLE   := $(if $(SRC_gen),$(B)/tests/gen/people)
REPLAYS  := $(SRC_fuzz:tests/fuzz/fuzz_%.c=$(B)/tests/fuzz/replay_%)
FUZZERS  := $(SRC_fuzz:%.c=$(B)/%)
BENCHES  := $(SRC_bench:%.c=$(B)/%)

# Which archives a test links, from above to below: `make TEST_LIBS="proto common" …` builds a test
# while another layer does not compile.
TEST_LIBS ?= ctl hub node proto common
TEST_ARCHIVES := $(TEST_LIBS:%=$(B)/lib%.a)

.PHONY: all check demo month unit sim e2e vectors tidy fuzz fuzz-build bench lint format format-check install \
        uninstall system-test deps clean build-tests need-pkg-config
.DELETE_ON_ERROR:
.SECONDARY:

all: need-pkg-config $(PROGRAMS)

need-pkg-config:
	@$(PKG_CONFIG) --exists $(MODULES) || { echo "libraries are missing: run 'make deps'" >&2; \
	  $(PKG_CONFIG) --print-errors --exists $(MODULES); exit 1; }

# --- rules -----------------------------------------------------------------------------------------

# SQL files as C strings. Numbers, since C17 promises string literals of 4,095 bytes only.
$(B)/gen/%.sql.h: %.sql
	@mkdir -p $(@D)
	@{ echo "/* made from $< */"; \
	   echo "static const char $$(basename $< .sql | tr '.-' '__')_sql[] = {"; \
	   od -An -v -td1 $< | sed 's/[0-9]\{1,\}/&,/g'; echo "0};"; } > $@

$(B)/obj/%.o: %.c Makefile | $(SQL_H)
	@mkdir -p $(@D)
	@$(if $(V),,echo 'CC $<')
	$(Q)$(COMPILE) -c -o $@ $<

define archive
$(B)/lib$(1).a: $$(call objects,$$(SRC_$(1)))
	@mkdir -p $$(@D) && rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach layer,$(LAYERS),$(eval $(call archive,$(layer))))

LINK_PROGRAM = $(Q)$(CC) $(ALL_CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)
LINK_TEST = $(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(TEST_LDLIBS)

$(B)/tksk-hub: $(B)/obj/hub/main.o $(B)/libhub.a $(B)/libproto.a $(B)/libcommon.a
	$(LINK_PROGRAM)
$(B)/tksk-node: $(B)/obj/node/main.o $(B)/libnode.a $(B)/libproto.a $(B)/libcommon.a
	$(LINK_PROGRAM)
$(B)/tkskctl: $(B)/obj/common/tkskctl/main.o $(B)/libctl.a $(B)/libproto.a $(B)/libcommon.a
	$(LINK_PROGRAM)

$(B)/tests/bench/bench_rules: $(call objects,$(filter-out tests/gen/main.c,$(SRC_gen)))
$(UNITS) $(BENCHES): $(B)/%: $(B)/obj/%.o $(B)/libsupport.a $(TEST_ARCHIVES)
	$(LINK_TEST)
$(FUZZERS): $(B)/%: $(B)/obj/%.o $(TEST_ARCHIVES)
	$(LINK_TEST)
$(REPLAYS): $(B)/tests/fuzz/replay_%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/obj/tests/fuzz/replay.o $(TEST_ARCHIVES)
	$(LINK_TEST)
$(B)/tests/sim/sim: $(call objects,$(SRC_sim)) $(B)/libhub.a $(B)/libnode.a $(B)/libproto.a $(B)/libcommon.a
	$(LINK_TEST)
$(B)/tests/gen/people: $(call objects,$(SRC_gen)) $(B)/libproto.a $(B)/libcommon.a
	$(LINK_TEST)
$(B)/tests/vectors/make_vectors: $(B)/obj/tests/vectors/make_vectors.o $(B)/libproto.a $(B)/libcommon.a
	$(LINK_TEST)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# --- what people run -------------------------------------------------------------------------------

deps:
	@bash .ci/deps

SUBMAKE = @$(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(JOBS))
RUN = @B='$(abspath $(B))' SEEDS='$(SEEDS)' bash tests/run.sh

# Everything after `deps` runs in a make of its own, which finds pkg-config and the libraries.
check: deps
	$(SUBMAKE) build-tests
	$(RUN)

demo: deps
	$(SUBMAKE) all $(PEOPLE)
	@B='$(B)' bash tests/demo.sh

# A month of all 29 offices; MONTH_OFFICES=8 for fewer.
month: deps
	$(SUBMAKE) all $(PEOPLE)
	@B='$(abspath $(B))' bash tests/e2e/month.sh

build-tests: all $(UNITS) $(SIM) $(PEOPLE) $(REPLAYS) $(BENCHES)

unit: need-pkg-config $(UNITS) $(REPLAYS)
	$(RUN) unit
sim: need-pkg-config $(SIM)
	$(RUN) sim
vectors: all
	$(RUN) vectors
e2e: all $(PEOPLE)
	$(RUN) e2e
tidy:
	@bash tests/tidy.sh
# Boots the services in a container: as root, with debootstrap and systemd-container.
system-test: all
	$(RUN) system

fuzz:
	$(SUBMAKE) CC=clang FUZZ=1 fuzz-build
	@B='$(abspath $(B))/fuzz' FUZZ_SECONDS='$(FUZZ_SECONDS)' bash tests/fuzz/run.sh
fuzz-build: need-pkg-config $(FUZZERS)

bench: all $(BENCHES) $(PEOPLE)
	@B='$(abspath $(B))' bash tests/bench/run.sh $(BENCH)

C_FILES = $(shell find common proto node hub tests -name '*.[ch]' | sort)
LINT_SRC = $(SRC_common) $(SRC_proto) $(SRC_node) $(SRC_hub) $(SRC_ctl) $(wildcard $(MAINS))
# cppcheck does not read jansson.h, nor a ";" in -D; the analyzer loses what is stored at an index and
# calls it a leak (the sanitizers look for leaks).
FOREACH := json_array_foreach(a,i,v)=if ((i = json_array_size(a)) > 0) while ((v = json_array_get(a, --i)) != NULL)
lint: need-pkg-config $(SQL_H)
	printf '%s\n' $(LINT_SRC) | xargs -P $(JOBS) -I FILE clang-tidy --quiet --warnings-as-errors='*' \
	  FILE -- -std=c17 -D_GNU_SOURCE -I. -I$(B)/gen $(PKG_CFLAGS)
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	  --suppress=missingIncludeSystem --error-exitcode=1 -D_GNU_SOURCE '-D$(FOREACH)' -I. -I$(B)/gen $(LINT_SRC)
	$(SUBMAKE) CC=gcc B=$(B)/analyzer WERROR=1 OPT='-O2 -fanalyzer -Wno-analyzer-malloc-leak' all
format:
	clang-format -i $(C_FILES)
format-check:
	clang-format --dry-run -Werror $(C_FILES)

# SOURCE:PLACE:MODE. The units name the place of the programs; the one of the hub's own office is made
# of the node's.
UNIT_FILES := $(addprefix $(B)/units/,tksk-hub.service tksk-node.service tksk-office.service)
$(B)/units/%.service: systemd/%.service Makefile FORCE
	@mkdir -p $(@D) && sed 's,=/usr/sbin/,=$(PREFIX)/sbin/,' $< > $@
$(B)/units/tksk-office.service: systemd/tksk-node.service Makefile FORCE
	@mkdir -p $(@D) && sed -e '/^Documentation=/!s,tksk-node,tksk-office,g' \
	  -e "s,^Description=.*,Description=tksk-sync office of the hub's own," \
	  -e 's,^ExecStart=.*,ExecStart=$(PREFIX)/sbin/tksk-node --config $(PREFIX)/share/tksk/office.conf,' $< > $@
.PHONY: FORCE # a unit depends on PREFIX

INSTALLED := $(B)/tksk-hub:sbin/tksk-hub:755 $(B)/tksk-node:sbin/tksk-node:755 $(B)/tkskctl:bin/tkskctl:755 \
  $(foreach m,$(wildcard common/man/*.[158]),$(m):share/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m)):644) \
  $(foreach c,$(wildcard common/completions/*.bash),$(c):share/bash-completion/completions/$(basename $(notdir $(c))):644) \
  $(foreach u,$(UNIT_FILES),$(u):lib/systemd/system/$(notdir $(u)):644) \
  systemd/sysusers-tksk.conf:lib/sysusers.d/tksk.conf:644 systemd/tmpfiles-tksk.conf:lib/tmpfiles.d/tksk.conf:644 \
  $(foreach p,$(wildcard hub/policy/*),$(p):share/tksk/policy/$(notdir $(p)):644) \
  systemd/office.conf:share/tksk/office.conf:644 \
  $(foreach e,hub.conf node.conf,systemd/$(e):share/doc/tksk/examples/$(e):644) LICENSE:share/doc/tksk/copyright:644
part = $(word $(1),$(subst :, ,$(2)))
ROOT = $(DESTDIR)$(PREFIX)
install: all $(UNIT_FILES)
	@$(foreach i,$(INSTALLED),install -D -m $(call part,3,$(i)) $(call part,1,$(i)) '$(ROOT)/$(call part,2,$(i))' &&) :
	@echo "installed below $(ROOT)$(if $(DESTDIR),,; now: systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload)"
# State, configuration and users stay.
uninstall:
	@$(foreach i,$(INSTALLED),rm -f '$(ROOT)/$(call part,2,$(i))';) \
	  rmdir --ignore-fail-on-non-empty '$(ROOT)'/share/tksk/policy '$(ROOT)'/share/tksk \
	    '$(ROOT)'/share/doc/tksk/examples '$(ROOT)'/share/doc/tksk 2>/dev/null || :

clean:
	rm -rf '$(B)'
