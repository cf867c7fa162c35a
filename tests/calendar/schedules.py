"""Random cron expressions, each as its text and, apart from that, as the sets of what it names.

A schedule here says by itself which times match: nothing is parsed, so a mistake in the parser under test cannot be repeated.
"""
import calendar
import dataclasses
import datetime

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
EVERY_HOUR = frozenset(range(24))
EVERY_DAY = frozenset(range(1, 32))
EVERY_WEEKDAY = frozenset(range(7))


@dataclasses.dataclass
class Field:
    ours: str
    values: frozenset
    theirs: str = ""        # as croniter writes it; the same when empty
    nth: tuple = ()         # day-of-week only: (weekday, 1-5, or 0 for the last)
    last_day: bool = False  # day-of-month only


@dataclasses.dataclass
class Schedule:
    seconds: Field | None
    minutes: Field
    hours: Field
    days: Field
    months: Field
    weekdays: Field

    def ours(self):
        fields = [self.seconds] if self.seconds else []
        fields += [self.minutes, self.hours, self.days, self.months, self.weekdays]
        return " ".join(field.ours for field in fields)

    def theirs(self):
        """croniter has the seconds at the end."""
        fields = [self.minutes, self.hours, self.days, self.months, self.weekdays]
        fields += [self.seconds] if self.seconds else []
        return " ".join(field.theirs or field.ours for field in fields)

    def second_values(self):
        return sorted(self.seconds.values) if self.seconds else [0]

    def has_fixed_hours(self):
        return self.hours.values != EVERY_HOUR

    def croniter_goes_astray(self):
        """croniter 1.3.5 goes from 26 February to 31 February, which is 2 or 3 March. So it misses what else the day field
        names on the way: the last of the month, the first days of the next. And it fails on "30 February or a Monday"."""
        if self.days.values == EVERY_DAY or max(self.days.values, default=0) <= 28:
            return False
        comes = any(min(self.days.values) <= calendar.monthrange(2000, month)[1] for month in self.months.values)
        return min(self.days.values) <= 3 or self.days.last_day or not comes

    def next_civil(self, after):
        """The first match after the civil time `after` within ten years, by looking at every day."""
        for days in range(3653):
            date = after.date() + datetime.timedelta(days=days)
            if not self.matches_day(date):
                continue
            times = (datetime.datetime.combine(date, datetime.time(hour, minute, second)) for hour in sorted(self.hours.values)
                     for minute in sorted(self.minutes.values) for second in self.second_values())
            found = next((time for time in times if time > after), None)
            if found:
                return found
        return None

    def matches_day(self, date):
        if date.month not in self.months.values:
            return False
        length = calendar.monthrange(date.year, date.month)[1]
        by_date = date.day in self.days.values or (self.days.last_day and date.day == length)
        weekday = date.isoweekday() % 7
        which = {(weekday, (date.day - 1) // 7 + 1)} | ({(weekday, 0)} if date.day + 7 > length else set())
        by_weekday = weekday in self.weekdays.values or not which.isdisjoint(self.weekdays.nth)
        restricted_date = self.days.values != EVERY_DAY
        restricted_weekday = self.weekdays.values != EVERY_WEEKDAY
        if restricted_date and restricted_weekday:
            return by_date or by_weekday
        return by_date if restricted_date else by_weekday

    def matches_minute(self, local):
        return local.minute in self.minutes.values and local.hour in self.hours.values and self.matches_day(local.date())


def draw_field(chance, low, high, names=None, star=0.3):
    """A field of numbers from `low` to `high`. `names` are written for some of them."""
    every = range(low, high + 1)

    def shown(value):
        return chance.choice([names[value - low], names[value - low].lower()]) if names and chance.random() < 0.4 else str(value)

    if chance.random() < star:
        return Field("*", frozenset(every))
    a, b = sorted((chance.randint(low, high), chance.randint(low, high)))
    step = chance.randint(1, max(1, (high - low) // 2))
    # Not a/n for days of the week: croniter counts on to 7, so that 3/2 has Sunday; Pawl's week ends on Saturday.
    form = chance.choice(["one", "one", "list", "range", "*/n", "a-b/n"] + (["a/n"] if high != 6 else []))
    if form == "one":
        return Field(shown(a), frozenset([a]))
    if form == "list":
        values = [chance.randint(low, high) for _ in range(chance.randint(2, 4))]
        text = ",".join(shown(value) for value in values)
        if chance.random() < 0.3:
            return Field(f"{text},{shown(a)}-{shown(b)}", frozenset(values) | frozenset(range(a, b + 1)))
        return Field(text, frozenset(values))
    if form == "range":
        return Field(f"{shown(a)}-{shown(b)}", frozenset(range(a, b + 1)))
    if form == "*/n":
        return Field(f"*/{step}", frozenset(range(low, high + 1, step)))
    if form == "a-b/n":
        return Field(f"{shown(a)}-{shown(b)}/{step}", frozenset(range(a, b + 1, step)))
    return Field(f"{shown(a)}/{step}", frozenset(range(a, high + 1, step)))


def draw_days(chance, star):
    if chance.random() < 0.12:
        if chance.random() < 0.5:
            return Field("L", frozenset(), last_day=True)
        day = chance.randint(1, 31)
        return Field(f"{day},L", frozenset([day]), last_day=True)
    field = draw_field(chance, 1, 31, star=star)
    # croniter 1.3.5 does not know ?.
    if field.ours == "*" and chance.random() < 0.2:
        return Field("?", field.values, "*")
    return field


def draw_weekdays(chance, star, seven):
    if chance.random() < 0.15:
        # Each alone or in lists of its kind: croniter refuses the second Monday beside every Friday. It writes the last
        # Friday L5 only.
        nth, ours, theirs = [], [], []
        for _ in range(chance.randint(1, 2)):
            weekday, which = chance.randint(0, 6), chance.randint(0, 5)
            nth.append((weekday, which))
            name = WEEKDAYS[weekday]
            if which == 0:
                ours.append(chance.choice([f"L{weekday}", f"{weekday}L", f"{name}L", f"l{weekday}"]))
                theirs.append(f"L{weekday}")
            else:
                ours.append(chance.choice([f"{weekday}#{which}", f"{name}#{which}"]))
                theirs.append(ours[-1])
        return Field(",".join(ours), frozenset(), ",".join(theirs), tuple(nth))
    field = draw_field(chance, 0, 6, WEEKDAYS, star)
    if field.ours == "*" and chance.random() < 0.2:
        return Field("?", field.values, "*")
    # croniter 1.3.5 does not take Sunday as 7 for Sunday in expressions with seconds, and reads */1 as 0-7.
    if not seven and field.ours == "*/1":
        return Field("*/1", field.values, "*")
    if seven and field.ours == "0":
        return Field("7", field.values)
    return field


def draw_schedule(chance, often=False):
    """`often` makes one that runs on most days, with few seconds."""
    star = 0.75 if often else 0.35
    with_seconds = chance.random() < (0.15 if often else 0.3)
    seconds = None
    if with_seconds:
        seconds = Field(str(second := chance.randint(0, 59)), frozenset([second])) if often else draw_field(chance, 0, 59)
    weekdays = draw_weekdays(chance, star, seven=not with_seconds)
    # croniter wants both fields to name a day when the day of the week is an nth one or a last one; cron wants either.
    days = draw_days(chance, star) if not weekdays.nth else Field("*", EVERY_DAY)
    return Schedule(
        seconds=seconds,
        minutes=draw_field(chance, 0, 59, star=0.2),
        hours=draw_field(chance, 0, 23, star=0.35),
        days=days,
        months=draw_field(chance, 1, 12, MONTHS, star=0.9 if often else 0.4),
        weekdays=weekdays,
    )


def naive(seconds):
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)


def seconds_of(civil):
    return int((civil - datetime.datetime(1970, 1, 1)).total_seconds())
