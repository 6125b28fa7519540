/* The suite's cases and what they share; private to connector_suite.c and the files of its cases. */
#ifndef TESTS_CONNECTOR_CASES_H
#define TESTS_CONNECTOR_CASES_H

#include "connector_suite.h"

/* Kinds of items that are contained. */
static const enum item_kind kinds[] = {ITEM_FILE, ITEM_MESSAGE, ITEM_CHAT};
#define N_KINDS ARRAY_SIZE(kinds)

#define RECEIPT(name) _cleanup_buf_ struct buf name = BUF_INIT(CONNECTOR_TEXT_MAX)

/* All of the provider's state was seen, and nothing else (connector_listing.c). */
void expect_complete(struct follow *f);
/* The item of the seed to contain; NULL when the target has none of the kind (connector_contain.c). */
struct seen_item *threat_of(struct follow *f, enum item_kind kind);
/* suite_state_text() of an item. */
char *state_of(struct follow *f, const struct seen_item *it);
/* act_plan() that must succeed, with a JSON object for a receipt. */
void plan(struct follow *f, const struct seen_item *it, struct buf *receipt);

void test_grant(void **state);
void test_streams(void **state);
void test_listing(void **state);
void test_content(void **state);
void test_describe(void **state);
void test_new(void **state);
void test_changed(void **state);
void test_renamed(void **state);
void test_removed(void **state);
void test_lost_cursors(void **state);
void test_bad_cursor(void **state);
void test_backlog_none(void **state);
void test_contain_file(void **state);
void test_contain_mail(void **state);
void test_contain_chat(void **state);
void test_repeats(void **state);
void test_lost_answers(void **state);
void test_changed_between(void **state);
void test_gone(void **state);
void test_remove(void **state);
void test_act_tag(void **state);
void test_act_unshare(void **state);
void test_act_replace(void **state);
void test_act_block(void **state);
void test_act_unsupported(void **state);
void test_act_repeats(void **state);
void test_act_lost_answers(void **state);
void test_act_changed(void **state);
void test_act_notice_taken_over(void **state);
void test_act_delete(void **state);
void test_sharing(void **state);
void test_sharing_mark(void **state);
void test_people(void **state);
void test_bad_answers(void **state);
void test_bad_answers_to_acts(void **state);
void test_tokens(void **state);
void test_revoked(void **state);

#endif
