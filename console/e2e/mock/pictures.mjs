// Moving pictures for the mock: from a video if one is given (SOCLE_MOCK_VIDEO), else ffmpeg's own test source.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function pictures() {
  const folder = mkdtempSync(join(tmpdir(), "socle-mock-"));
  const video = process.env.SOCLE_MOCK_VIDEO;
  const input = video ? ["-i", video] : ["-f", "lavfi", "-i", "testsrc2=size=768x576:rate=5:duration=12"];
  const run = (...args) => {
    const done = spawnSync("ffmpeg", ["-v", "error", "-y", ...args], { stdio: ["ignore", "ignore", "inherit"] });
    if (done.status !== 0) throw new Error("the mock needs ffmpeg for its pictures");
  };
  run(...input, "-frames:v", "60", "-q:v", "4", join(folder, "%03d.jpg"));
  run(...input, "-frames:v", "60", "-pix_fmt", "yuv420p", "-movflags", "+faststart", join(folder, "clip.mp4"));
  const frames = readdirSync(folder).filter((name) => name.endsWith(".jpg")).sort().map((name) => readFileSync(join(folder, name)));
  const clip = readFileSync(join(folder, "clip.mp4"));
  rmSync(folder, { recursive: true });
  return { frames, clip };
}
