/* Civil dates and times. Day numbers after Howard Hinnant, "chrono-compatible low-level date
 * algorithms": proleptic Gregorian, exact in integers. */
#include <stdio.h>

#include "proto/value_form.h"

#define MS_PER_DAY INT64_C(86400000)
#define OFFICE_ZONE_MS (7 * INT64_C(3600000)) /* WIB, UTC+7 */
#define YEAR_MIN 1800 /* before: a slip of the pen, not a person on any list */
#define YEAR_MAX 2199

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool date_real(int year, int month, int day)
{
    return year >= YEAR_MIN && year <= YEAR_MAX && month >= 1 && month <= 12 && day >= 1 &&
           day <= days_in_month(year, month);
}

/* Reads min..max digits at *at and moves on; -1 when they are not there. */
static int take_number(struct bytes text, size_t *at, size_t min, size_t max)
{
    size_t count = 0;
    int number = 0;
    while (count < max && *at + count < text.len && is_digit(text.at[*at + count])) {
        number = number * 10 + (text.at[*at + count] - '0');
        count++;
    }
    if (count < min)
        return -1;
    *at += count;
    return number;
}

static bool take_char(struct bytes text, size_t *at, char c)
{
    if (*at >= text.len || text.at[*at] != (uint8_t)c)
        return false;
    *at += 1;
    return true;
}

bool date_iso(struct bytes text)
{
    size_t at = 0;
    int year = take_number(text, &at, 4, 4);
    bool first = take_char(text, &at, '-');
    int month = take_number(text, &at, 2, 2);
    bool second = take_char(text, &at, '-');
    int day = take_number(text, &at, 2, 2);
    return first && second && at == text.len && date_real(year, month, day);
}

static bool date_day_first(struct bytes text, char separator, int *ret_year, int *ret_month,
                           int *ret_day)
{
    size_t at = 0;
    int day = take_number(text, &at, 1, 2);
    bool first = take_char(text, &at, separator);
    int month = take_number(text, &at, 1, 2);
    bool second = take_char(text, &at, separator);
    int year = take_number(text, &at, 4, 4);
    if (!first || !second || at != text.len || !date_real(year, month, day))
        return false;
    *ret_year = year;
    *ret_month = month;
    *ret_day = day;
    return true;
}

bool date_parse(struct bytes text, char ret_iso[11])
{
    text = text_trim(text);
    if (date_iso(text)) {
        memcpy(ret_iso, text.at, 10);
        ret_iso[10] = '\0';
        return true;
    }
    int year = 0;
    int month = 0;
    int day = 0;
    if (!date_day_first(text, '/', &year, &month, &day) &&
        !date_day_first(text, '-', &year, &month, &day))
        return false;
    char iso[40];
    snprintf(iso, sizeof iso, "%04d-%02d-%02d", year, month, day);
    memcpy(ret_iso, iso, 11);
    return true;
}

static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400; /* years here are never negative */
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

bool date_days(struct bytes iso, int64_t *ret_days)
{
    if (!date_iso(iso))
        return false;
    size_t at = 0;
    int year = take_number(iso, &at, 4, 4);
    at++;
    int month = take_number(iso, &at, 2, 2);
    at++;
    *ret_days = days_from_civil(year, month, take_number(iso, &at, 2, 2));
    return true;
}

static void civil_from_days(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
    days += 719468;
    int64_t era = days / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *ret_day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *ret_month = shifted < 10 ? shifted + 3 : shifted - 9;
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

static void days_text(int64_t days, char ret_iso[11])
{
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    civil_from_days(days, &year, &month, &day);
    char iso[72];
    snprintf(iso, sizeof iso, "%04d-%02d-%02d", (int)year, (int)month, (int)day);
    memcpy(ret_iso, iso, 10);
    ret_iso[10] = '\0';
}

bool date_days_until(const char *from, const char *to, int64_t *ret_days)
{
    int64_t first, last;
    if (!date_days(bytes_text(from), &first) || !date_days(bytes_text(to), &last))
        return false;
    *ret_days = last - first;
    return true;
}

bool date_of_days(int64_t days, char ret_iso[11])
{
    static const int64_t far = 366 * 1000; /* each way; which years there are, date_iso knows */
    if (days < -far || days > far)
        return false;
    days_text(days, ret_iso);
    return date_iso(bytes_text(ret_iso));
}

void date_of_ms(uint64_t ms_utc, char ret_iso[11])
{
    static const uint64_t last_ms = UINT64_C(253402300799999) - (uint64_t)OFFICE_ZONE_MS;
    int64_t ms = (int64_t)(ms_utc > last_ms ? last_ms : ms_utc) + OFFICE_ZONE_MS;
    days_text(ms / MS_PER_DAY, ret_iso);
}

bool month_parse(struct bytes text, uint64_t *ret_from_ms, uint64_t *ret_until_ms)
{
    int64_t part[2] = { 0, 0 };
    if (text.len != 7 || text.at[4] != '-')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (i != 4 && (text.at[i] < '0' || text.at[i] > '9'))
            return false;
        if (i != 4)
            part[i > 4] = part[i > 4] * 10 + text.at[i] - '0';
    }
    int64_t year = part[0], month = part[1];
    if (year < 1970 || month < 1 || month > 12)
        return false;
    bool last = month == 12;
    int64_t from_ms = days_from_civil(year, month, 1) * MS_PER_DAY - OFFICE_ZONE_MS;
    int64_t until_ms = days_from_civil(year + last, last ? 1 : month + 1, 1) * MS_PER_DAY;
    *ret_from_ms = from_ms > 0 ? (uint64_t)from_ms : 0;
    *ret_until_ms = (uint64_t)(until_ms - OFFICE_ZONE_MS);
    return true;
}

bool time_to_text(int64_t ms_utc, char ret[TIME_TEXT_BYTES])
{
    if (ms_utc < days_from_civil(YEAR_MIN, 1, 1) * MS_PER_DAY ||
        ms_utc >= days_from_civil(10000, 1, 1) * MS_PER_DAY)
        return false;
    int64_t days = ms_utc / MS_PER_DAY;
    int64_t rest = ms_utc % MS_PER_DAY;
    if (rest < 0) {
        rest += MS_PER_DAY;
        days--;
    }
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    civil_from_days(days, &year, &month, &day);
    char text[128];
    int len = snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year, (int)month,
                       (int)day, (int)(rest / 3600000), (int)(rest / 60000 % 60),
                       (int)(rest / 1000 % 60));
    if (rest % 1000 != 0)
        snprintf(text + len, sizeof text - (size_t)len, ".%03dZ", (int)(rest % 1000));
    else
        snprintf(text + len, sizeof text - (size_t)len, "Z");
    snprintf(ret, TIME_TEXT_BYTES, "%.*s", TIME_TEXT_BYTES - 1, text);
    return true;
}

/* "Z", "+07:00", "-01:30" or nothing (offices' zone). */
static bool take_zone(struct bytes text, size_t *at, int64_t *ret_ms)
{
    if (*at == text.len) {
        *ret_ms = OFFICE_ZONE_MS;
        return true;
    }
    if (take_char(text, at, 'Z')) {
        *ret_ms = 0;
        return true;
    }
    int64_t sign = take_char(text, at, '+') ? 1 : take_char(text, at, '-') ? -1 : 0;
    int hours = take_number(text, at, 2, 2);
    bool colon = take_char(text, at, ':');
    int minutes = take_number(text, at, 2, 2);
    if (sign == 0 || !colon || hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
        return false;
    *ret_ms = sign * (hours * INT64_C(3600000) + minutes * INT64_C(60000));
    return true;
}

bool time_parse(struct bytes text, int64_t *ret_ms_utc)
{
    text = text_trim(text);
    size_t split = 0;
    while (split < text.len && text.at[split] != 'T' && text.at[split] != ' ')
        split++;
    char iso[11];
    if (split == text.len || !date_parse(bytes_of(text.at, split), iso))
        return false;
    size_t at = 0;
    struct bytes date = bytes_of(iso, 10);
    int year = take_number(date, &at, 4, 4);
    at++;
    int month = take_number(date, &at, 2, 2);
    at++;
    int day = take_number(date, &at, 2, 2);

    at = split + 1;
    int hour = take_number(text, &at, 2, 2);
    bool colon =
        take_char(text, &at, ':') || take_char(text, &at, '.'); /* 19.30, as people write */
    int minute = take_number(text, &at, 2, 2);
    int second = take_char(text, &at, ':') ? take_number(text, &at, 2, 2) : 0;
    int ms = take_char(text, &at, '.') ? take_number(text, &at, 3, 3) : 0;
    int64_t zone_ms = 0;
    if (!colon || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 ||
        ms < 0 || !take_zone(text, &at, &zone_ms) || at != text.len)
        return false;
    *ret_ms_utc = days_from_civil(year, month, day) * MS_PER_DAY + hour * INT64_C(3600000) +
                  minute * INT64_C(60000) + second * INT64_C(1000) + ms - zone_ms;
    return true;
}
