/* A small policy with a workflow, rules, computed fields and letters that count for some records,
 * and one record at hand; shared by the tests of what the policy says of a change. */
#pragma once

#include "proto/endorse.h"
#include "proto/rules.h"
#include "tests/unit/policy_fixture.h"

#define WORK_HEAD                                                                                  \
    "authority D { label = 'Dinas' }\n"                                                            \
    "authority H { label = 'dihitung' computed = true }\n"                                         \
    "authority K { label = 'KORTEKS' only = 'program in list(\"bansos\")' }\n"                     \
    "authority T { label = 'TKSK' }\n"                                                             \
    "role kabid { label = 'Kabid' authority = {D} }\n"                                             \
    "role korteks { label = 'KORTEKS' authority = {K} }\n"                                         \
    "role tksk { label = 'TKSK' authority = {T} }\n"                                               \
    "settings { idle_lock_minutes = 15 }\n"                                                        \
    "areas { file = 'a.csv' within = '36.04' }\n"                                                  \
    "table kuorum { version '2018-01-01' { basis = 'Perbup' row desa { value = 2 } } }\n"          \
    "code_list bansos { version '2018-01-01' { code pkh { } } }\n"                                 \
    "code_list program { version '2010-01-01' { code pkh { } code raskin { } }\n"                  \
    "    version '2018-01-01' { code pkh { } code kube { } } }\n"                                  \
    "code_list status { version '2018-01-01' { code draf { label = 'Draf' } code diajukan { }\n"   \
    "    code ditandatangani { } code diterima { label = 'Diterima' } code sah { }\n"              \
    "    code batal { } } }\n"

#define WORK_FIELDS                                                                                \
    "field kec { type = area level = 3 required = true authority = {T, D, K} sensitivity = U }\n"  \
    "field tgl { type = date authority = {T} sensitivity = U }\n"                                  \
    "field program { type = enum codes = program authority = {T, K} sensitivity = U }\n"           \
    "field nominal { type = money authority = {K, T} sensitivity = U }\n"                          \
    "field isi { type = text authority = {T} sensitivity = U }\n"                                  \
    "field rapat { type = reference targets = {rapat} authority = {T} sensitivity = U }\n"         \
    "field tahu { type = bool authority = {T} sensitivity = U }\n"                                 \
    "field ttd { type = signature covers = {isi, program} signers = {tksk} authority = {T} "       \
    "sensitivity = U }\n"                                                                          \
    "field log { type = list element = text append_only = true authority = {D, T} "                \
    "sensitivity = U }\n"                                                                          \
    "field hadir { type = integer authority = {T} sensitivity = U }\n"                             \
    "field kuorum { type = bool authority = {H} compute = 'hadir >= table(\"kuorum\", \"desa\")' " \
    "sensitivity = U }\n"                                                                          \
    "field ganda { type = integer authority = {H} compute = 'hadir * 2' sensitivity = U }\n"       \
    "field status { type = enum codes = status default = draf authority = {T, D, H} "              \
    "sensitivity = U }\n"

#define WORK_FLOW                                                                                  \
    "workflow status {\n"                                                                          \
    "    edge mulai { to = draf authority = {T} }\n"                                               \
    "    edge ajukan { from = {draf} to = diajukan authority = {T} requires = {isi} }\n"           \
    "    edge teken { from = {diajukan} to = ditandatangani authority = {T} "                      \
    "requires = {tahu, ttd} }\n"                                                                   \
    "    edge terima { from = {ditandatangani} to = diterima authority = {H} "                     \
    "rules = {tanpa_ttd, dicabut, wilayah, perlu_rapat} }\n"                                       \
    "    edge sahkan { from = {diajukan} to = sah authority = {T} rules = {kuorum_perlu} }\n"      \
    "    edge batalkan { from = {draf, diajukan} to = batal authority = {D, T} }\n"                \
    "    frozen sah { open = {status, log} }\n"                                                    \
    "    frozen diterima { open = {status} }\n"                                                    \
    "}\n"

#define WORK_RULES                                                                                 \
    "rule tanpa_ttd { label = 'Belum ditandatangani' remedy = 'tanda tangani' field = ttd "        \
    "check = 'signature(ttd) != \"none\"' on = edge }\n"                                           \
    "rule dicabut { label = 'Kunci dicabut' check = 'signature(ttd) != \"ended\"' on = edge }\n"   \
    "rule wilayah { label = 'Wilayah lain' check = 'signature(ttd) != \"area\"' on = edge }\n"     \
    "rule perlu_rapat { label = 'Perlu rapat' when = 'program = \"kube\"' "                        \
    "check = 'rapat.status = \"sah\"' on = edge }\n"                                               \
    "rule kuorum_perlu { label = 'Kuorum kurang' check = 'kuorum = true' on = edge }\n"            \
    "rule nominal_batas { label = 'Nominal terlalu besar' remedy = 'kurangi' field = nominal "     \
    "when = 'has(nominal)' check = 'nominal <= 1000' }\n"                                          \
    "rule hadir_aneh { label = 'Hadir banyak sekali' field = hadir when = 'has(hadir)' "           \
    "check = 'hadir < 100' on = warn }\n"                                                          \
    "rule tetap { label = 'Rapatnya sudah sah' when = 'has(rapat)' "                               \
    "check = 'rapat.status != \"batal\"' on = keep }\n"

#define WORK_MEETING                                                                               \
    "collection rapat { title = 'Rapat' area_field = kec\n"                                        \
    "field kec { type = area level = 3 required = true authority = {T} sensitivity = U }\n"        \
    "field status { type = enum codes = status authority = {T} sensitivity = U } }\n"

#define WORK_COLLECTION                                                                            \
    "collection usul { title = 'Usul' area_field = kec date_field = tgl\n" WORK_FIELDS WORK_FLOW   \
        WORK_RULES "}\n"
#define WORK_SOURCE WORK_HEAD WORK_COLLECTION WORK_MEETING
