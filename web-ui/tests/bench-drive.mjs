/**
 * Moves on the timeline as a restless hand makes them, at the rate of the screen, one after the other without pause.
 *
 * Must never wait for the page: who is asked to keep up must not set the pace.
 */

const STEP_MS = 1000 / 60;
const SHIFT = 8;
const ALT = 1;

/** From the whole of some seconds down to a hundred microseconds, along, back and elsewhere. */
const LEGS = [
  { name: "zoom in", steps: 180, wheel: { deltaY: -16 }, x: (i) => 0.3 + 0.3 * Math.sin(i / 40) },
  { name: "pan", steps: 150, wheel: { deltaX: 15, modifiers: SHIFT } },
  { name: "zoom out by half", steps: 90, wheel: { deltaY: 16 } },
  { name: "drag", steps: 150, drag: -14 },
  { name: "scroll through lanes", steps: 60, wheel: { deltaY: 20, modifiers: ALT } },
  { name: "zoom out", steps: 90, wheel: { deltaY: 18 } },
  { name: "zoom in elsewhere", steps: 120, wheel: { deltaY: -16 }, x: (i) => 0.8 - 0.2 * Math.sin(i / 30) },
  { name: "pan back", steps: 120, wheel: { deltaX: -20, modifiers: SHIFT } },
];

/** @param {import("playwright-core").CDPSession} session @param {{ x: number, y: number, width: number, height: number }} box of the timeline */
export async function drive(session, box) {
  const y = box.y + box.height / 2;
  const sent = [];
  const send = (type, more) => sent.push(session.send("Input.dispatchMouseEvent", { type, y, ...more }));
  const began = performance.now();
  let steps = 0;
  const tick = () => {
    steps += 1;
    const waitMs = began + steps * STEP_MS - performance.now();
    return new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)));
  };
  for (const { steps: count, wheel, drag, x: where } of LEGS) {
    const press = { button: "left", clickCount: 1 };
    let x = box.x + box.width * 0.9;
    for (let i = 0; i < count; i += 1) {
      if (wheel) {
        send("mouseWheel", { x: box.x + box.width * (where?.(i) ?? 0.5), deltaX: 0, deltaY: 0, modifiers: 0, ...wheel });
      } else {
        if (x + drag < box.x + 20) {
          send("mouseReleased", { x, ...press });
          x = box.x + box.width * 0.9;
        }
        if (x === box.x + box.width * 0.9) send("mousePressed", { x, ...press });
        x += drag;
        send("mouseMoved", { x, button: "left", buttons: 1 });
      }
      await tick();
    }
    if (drag) send("mouseReleased", { x, ...press });
  }
  await Promise.all(sent);
}
