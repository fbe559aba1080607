/* What changes in the work on records: rules, steps from state to state, dated tables, who gets
 * announcements. */
#include <inttypes.h>
#include <stdio.h>

#include "common/tkskctl/ctl.h"
#include "common/tkskctl/policy_diff.h"

static void add(json_t *rows, const char *what, const char *collection, const char *name,
                const char *change)
{
    char full[2 * IDENTIFIER_BYTES_MAX + 8];
    (void)snprintf(full, sizeof(full), "%s%s%s", collection, collection[0] && name[0] ? "." : "",
                   name);
    json_array_append_new(rows, ctl_memory(json_pack("{s:s, s:s, s:s}", "what", what, "name", full,
                                                     "change", change)));
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_expr(const struct expr *a, const struct expr *b)
{
    return a == b || (a && b && bytes_equal(expr_source(a), expr_source(b)));
}

static void note(char *list, size_t cap, bool changed, const char *word)
{
    size_t used = strlen(list);
    if (changed)
        (void)snprintf(list + used, cap - used, "%s%s", used ? ", " : "", word);
}

/* --- rules ---------------------------------------------------------------------------------- */

static void diff_rules(const struct policy_collection *was, const struct policy_collection *is,
                       json_t *rows)
{
    for (size_t i = 0; i < is->rule_count; i++) {
        const struct policy_rule *now = &is->rules[i];
        const struct policy_rule *old = policy_rule(was, bytes_text(now->name));
        char changes[128] = "";
        if (!old) {
            add(rows, "rule", is->name, now->name, tr("new", "baru"));
            continue;
        }
        note(changes, sizeof(changes), !same_expr(old->check, now->check), "check");
        note(changes, sizeof(changes), !same_expr(old->when, now->when), "when");
        note(changes, sizeof(changes), old->on != now->on, "on");
        note(changes, sizeof(changes),
             !same_text(old->label, now->label) || !same_text(old->remedy, now->remedy), "label");
        if (changes[0])
            add(rows, "rule", is->name, now->name, changes);
    }
    for (size_t i = 0; i < was->rule_count; i++)
        if (!policy_rule(is, bytes_text(was->rules[i].name)))
            add(rows, "rule", is->name, was->rules[i].name, tr("gone", "dihapus"));
}

/* --- workflows ------------------------------------------------------------------------------ */

static const struct policy_workflow *workflow_of(const struct policy_collection *c,
                                                 const char *field)
{
    for (size_t i = 0; i < c->workflow_count; i++)
        if (strcmp(c->fields[c->workflows[i].field].name, field) == 0)
            return &c->workflows[i];
    return NULL;
}

static const struct policy_edge *edge_of(const struct policy_workflow *workflow, const char *name)
{
    for (size_t i = 0; workflow && i < workflow->edge_count; i++)
        if (strcmp(workflow->edges[i].name, name) == 0)
            return &workflow->edges[i];
    return NULL;
}

static bool same_names(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++)
        same = strcmp(a[i], b[i]) == 0;
    return same;
}

static bool same_fields(const struct policy_collection *was, const uint16_t *a, size_t a_count,
                        const struct policy_collection *is, const uint16_t *b, size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++)
        same = strcmp(was->fields[a[i]].name, is->fields[b[i]].name) == 0;
    return same;
}

static bool same_edge_rules(const struct policy_edge *a, const struct policy_edge *b)
{
    bool same = a->rule_count == b->rule_count;
    for (size_t i = 0; same && i < a->rule_count; i++)
        same = strcmp(a->rules[i]->name, b->rules[i]->name) == 0;
    return same;
}

static void diff_edges(const struct policy_collection *was, const struct policy_workflow *old,
                       const struct policy_collection *is, const struct policy_workflow *now,
                       json_t *rows)
{
    for (size_t i = 0; i < now->edge_count; i++) {
        const struct policy_edge *b = &now->edges[i];
        const struct policy_edge *a = edge_of(old, b->name);
        char changes[160] = "";
        if (!a) {
            (void)snprintf(changes, sizeof(changes), tr("new, to %s", "baru, ke %s"), b->to);
            add(rows, "edge", is->name, b->name, changes);
            continue;
        }
        note(changes, sizeof(changes), !same_text(a->to, b->to), "to");
        note(changes, sizeof(changes), !same_names(a->from, a->from_count, b->from, b->from_count),
             "from");
        note(changes, sizeof(changes), a->authority != b->authority, "authority");
        note(changes, sizeof(changes),
             !same_fields(was, a->required, a->required_count, is, b->required, b->required_count),
             "requires");
        note(changes, sizeof(changes), !same_edge_rules(a, b), "rules");
        if (changes[0])
            add(rows, "edge", is->name, b->name, changes);
    }
    for (size_t i = 0; i < old->edge_count; i++)
        if (!edge_of(now, old->edges[i].name))
            add(rows, "edge", is->name, old->edges[i].name, tr("gone", "dihapus"));
}

static const struct policy_frozen *frozen_of(const struct policy_workflow *workflow,
                                             const char *state)
{
    for (size_t i = 0; i < workflow->frozen_count; i++)
        if (strcmp(workflow->frozen[i].state, state) == 0)
            return &workflow->frozen[i];
    return NULL;
}

static void diff_frozen(const struct policy_collection *was, const struct policy_workflow *old,
                        const struct policy_collection *is, const struct policy_workflow *now,
                        json_t *rows)
{
    for (size_t i = 0; i < now->frozen_count; i++) {
        const struct policy_frozen *b = &now->frozen[i];
        const struct policy_frozen *a = frozen_of(old, b->state);
        if (!a)
            add(rows, "frozen", is->name, b->state, tr("new", "baru"));
        else if (!same_fields(was, a->open, a->open_count, is, b->open, b->open_count))
            add(rows, "frozen", is->name, b->state, "open");
    }
    for (size_t i = 0; i < old->frozen_count; i++)
        if (!frozen_of(now, old->frozen[i].state))
            add(rows, "frozen", is->name, old->frozen[i].state, tr("gone", "dihapus"));
}

static void diff_workflows(const struct policy_collection *was, const struct policy_collection *is,
                           json_t *rows)
{
    for (size_t i = 0; i < is->workflow_count; i++) {
        const struct policy_workflow *now = &is->workflows[i];
        const char *field = is->fields[now->field].name;
        const struct policy_workflow *old = workflow_of(was, field);
        if (!old) {
            add(rows, "workflow", is->name, field, tr("new", "baru"));
            continue;
        }
        diff_edges(was, old, is, now, rows);
        diff_frozen(was, old, is, now, rows);
    }
    for (size_t i = 0; i < was->workflow_count; i++) {
        const char *field = was->fields[was->workflows[i].field].name;
        if (!workflow_of(is, field))
            add(rows, "workflow", is->name, field, tr("gone", "dihapus"));
    }
}

/* --- answers, announcements, forum ----------------------------------------------------------- */

static const char *name_at(const struct policy_collection *c, int index)
{
    return index < 0 ? "" : c->fields[index].name;
}

static bool same_answer(const struct policy_collection *was, const struct policy_collection *is)
{
    const struct policy_answer *a = was->answer, *b = is->answer;
    if (!a || !b)
        return a == b;
    return a->days == b->days && same_names(a->open, a->open_count, b->open, b->open_count) &&
           strcmp(name_at(was, a->field), name_at(is, b->field)) == 0 &&
           strcmp(name_at(was, a->state), name_at(is, b->state)) == 0 &&
           strcmp(name_at(was, a->unit), name_at(is, b->unit)) == 0;
}

static bool same_link(const struct policy_link *a, const struct policy_link *b)
{
    return same_text(a->collection, b->collection) && same_text(a->field, b->field);
}

static void diff_options(const struct policy_collection *was, const struct policy_collection *is,
                         json_t *rows)
{
    char changes[128] = "";
    note(changes, sizeof(changes), !same_answer(was, is), "answer");
    note(changes, sizeof(changes), !same_link(&was->read_by, &is->read_by), "read_by");
    note(changes, sizeof(changes), !same_link(&was->covered_by, &is->covered_by), "covered_by");
    note(changes, sizeof(changes),
         strcmp(name_at(was, was->must_read), name_at(is, is->must_read)) != 0, "must_read");
    note(changes, sizeof(changes), was->forum != is->forum, "forum");
    if (changes[0])
        add(rows, "collection", is->name, "", changes);
}

/* --- tables --------------------------------------------------------------------------------- */

static const struct policy_table_version *version_from(const struct policy_table *table,
                                                       const char *from)
{
    for (size_t i = 0; table && i < table->version_count; i++)
        if (strcmp(table->versions[i].from, from) == 0)
            return &table->versions[i];
    return NULL;
}

static const int64_t *value_of(const struct policy_table_version *version, const char *key)
{
    for (size_t i = 0; version && i < version->row_count; i++)
        if (strcmp(version->rows[i].name, key) == 0)
            return &version->rows[i].value;
    return NULL;
}

static void table_note(json_t *rows, const struct policy_table *table, const char *from,
                       const char *key, const int64_t *old, const int64_t *now)
{
    char change[160], was[32] = "-", is[32] = "-";
    if (old)
        (void)snprintf(was, sizeof(was), "%" PRId64, *old);
    if (now)
        (void)snprintf(is, sizeof(is), "%" PRId64, *now);
    (void)snprintf(change, sizeof(change), tr("from %s %s: %s -> %s", "mulai %s %s: %s -> %s"),
                   from, key, was, is);
    add(rows, "table", "", table->name, change);
}

/* A new version is told against the one before it, a changed one against what it was. */
static void diff_table(const struct policy_table *was, const struct policy_table *is, json_t *rows)
{
    if (!was) {
        char change[96];
        (void)snprintf(change, sizeof(change), tr("new, %zu versions", "baru, %zu versi"),
                       is->version_count);
        add(rows, "table", "", is->name, change);
        return;
    }
    for (size_t v = 0; v < is->version_count; v++) {
        const struct policy_table_version *now = &is->versions[v];
        const struct policy_table_version *same = version_from(was, now->from);
        const struct policy_table_version *old = same ? same : v > 0 ? &is->versions[v - 1] : NULL;
        if (same && (!same_text(same->until, now->until) || !same_text(same->basis, now->basis)))
            add(rows, "table", "", is->name,
                same_text(same->until, now->until) ? "basis" : "until");
        for (size_t i = 0; i < now->row_count; i++) {
            const int64_t *before = value_of(old, now->rows[i].name);
            if (!before || *before != now->rows[i].value)
                table_note(rows, is, now->from, now->rows[i].name, before, &now->rows[i].value);
        }
        for (size_t i = 0; old && i < old->row_count; i++)
            if (!value_of(now, old->rows[i].name))
                table_note(rows, is, now->from, old->rows[i].name, &old->rows[i].value, NULL);
    }
    for (size_t v = 0; v < was->version_count; v++)
        if (!version_from(is, was->versions[v].from))
            add(rows, "table", "", is->name, was->versions[v].from);
}

void policy_diff_work(const struct policy *before, const struct policy *after, json_t *rows)
{
    for (size_t i = 0; i < after->collection_count; i++) {
        const struct policy_collection *is = &after->collections[i];
        const struct policy_collection *was =
            before ? policy_collection(before, bytes_text(is->name)) : NULL;
        if (!was)
            continue; /* all of it is new */
        diff_rules(was, is, rows);
        diff_workflows(was, is, rows);
        diff_options(was, is, rows);
    }
    for (size_t i = 0; i < after->table_count; i++)
        diff_table(before ? policy_table(before, bytes_text(after->tables[i].name)) : NULL,
                   &after->tables[i], rows);
    for (size_t i = 0; before && i < before->table_count; i++)
        if (!policy_table(after, bytes_text(before->tables[i].name)))
            add(rows, "table", "", before->tables[i].name, tr("gone", "dihapus"));
}
