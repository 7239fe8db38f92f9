import { createMachine, demoLinux, type Machine } from 'holdfast';
import type { HoldfastGuest } from 'holdfast/element';
import { StrictMode, useEffect, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import 'holdfast/element';
import { carryOver } from './carry-over';

/**
 * StrictMode runs effects twice: the guest of the first is closed, and the guest of the second
 * stays.
 */
function useGuest(): Machine | undefined {
  const [machine, setMachine] = useState<Machine>();
  useEffect(() => {
    let isWanted = true;
    const created = createMachine({ ...demoLinux, machineId: 'react' });
    void created.then((made) => isWanted && setMachine(made));
    return () => {
      isWanted = false;
      void created.then((made) => made.close());
    };
  }, []);
  return machine;
}

function App() {
  const machine = useGuest();
  const element = useRef<HoldfastGuest>(null);
  const [readyCount, setReadyCount] = useState(0);
  useEffect(() => {
    if (machine && readyCount > 0)
      Object.assign(window, { carryOver: () => carryOver(machine), element: element.current });
  }, [machine, readyCount]);
  return (
    <holdfast-guest
      ref={element}
      className="guest"
      demo
      machineid="react-element"
      view="screen"
      onready={({ detail }) => setReadyCount((count) => count + (detail.status ? 1 : 0))}
    />
  );
}

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
