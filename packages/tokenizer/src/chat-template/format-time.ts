const months: readonly string[] = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const days: readonly string[] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** Python's `strftime` in local time and English, for the directives that chat templates use. Others stay as they are. */
export function formatTime(time: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const month = months[time.getMonth()] as string;
  const day = days[time.getDay()] as string;
  const values: Readonly<Record<string, string>> = {
    Y: String(time.getFullYear()),
    y: two(time.getFullYear() % 100),
    m: two(time.getMonth() + 1),
    d: two(time.getDate()),
    B: month,
    b: month.slice(0, 3),
    A: day,
    a: day.slice(0, 3),
    H: two(time.getHours()),
    I: two(time.getHours() % 12 || 12),
    M: two(time.getMinutes()),
    S: two(time.getSeconds()),
    p: time.getHours() < 12 ? "AM" : "PM",
    "%": "%",
  };
  return format.replace(/%([YymdBbAaHIMSp%])/g, (_, directive: string) => values[directive] as string);
}
