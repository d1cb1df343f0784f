// What Streamlit asks of a component: it calls it at each of its draws, and what was made at the first of them stays.

/**
 * A component for Streamlit. `make(root, component)` fills `root`, a <div> of the class `name`, once. What it returns
 * has `hear(component)`, called at each draw, the first included, and may have `close()` for what `root` does not hold.
 */
export function component(name, make) {
  const mounted = new WeakMap()
  return (drawn) => {
    const { parentElement } = drawn
    let part = mounted.get(parentElement)
    if (!part) {
      const root = document.createElement("div")
      root.className = name
      parentElement.append(root)
      part = make(root, drawn)
      mounted.set(parentElement, part)
      part.end = () => {
        part.close?.()
        root.remove()
        mounted.delete(parentElement)
      }
    }
    part.hear(drawn)
    return part.end
  }
}
