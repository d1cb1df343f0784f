// Sends a file to the server in portions, and a portion again that did not arrive.

const API = "/api/v1/uploads", MOST_TRIES = 6, FIRST_WAIT_MS = 500

/** Sends `blob` as `name` and returns the upload's id; `told(sent, total)` hears how far it is; `signal` cancels it. */
export async function sendFile(blob, name, told, signal) {
  const begun = await fetch(API, {
    method: "POST", headers: { "Content-Type": "application/json" }, signal,
    body: JSON.stringify({ name, size: blob.size }),
  })
  if (!begun.ok) throw new Error(await sentenceOf(begun))
  const { id, portion_bytes: portion } = await begun.json()
  try {
    let received = 0, tries = 0
    while (received < blob.size) {
      const end = Math.min(received + portion, blob.size)
      try {
        received = await putPortion(id, blob.slice(received, end), received, (sent) => told(received + sent, blob.size), signal)
        tries = 0
      } catch (error) {
        if (error.isFinal || signal.aborted || ++tries >= MOST_TRIES) throw error
        await wait(FIRST_WAIT_MS * 2 ** (tries - 1), signal)
        // What arrived of it is kept, so it continues there; without an answer, the next try asks again.
        received = (await receivedBytes(id, signal)) ?? received
      }
      told(received, blob.size)
    }
  } catch (error) {
    fetch(`${API}/${id}`, { method: "DELETE", keepalive: true }).catch(() => {})
    throw error
  }
  return id
}

// Not `fetch`, which does not say how far it is with a body.
function putPortion(id, portion, offset, told, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const abort = () => request.abort()
    signal.addEventListener("abort", abort)
    request.open("PUT", `${API}/${id}?offset=${offset}`)
    request.upload.onprogress = (event) => told(event.loaded)
    request.onerror = () => reject(new Error("The connection to the server was lost."))
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"))
    request.onload = () => {
      const answer = parsed(request.responseText)
      if (request.status === 200) return resolve(answer.received)
      const error = new Error(answer.error || `The server answered ${request.status}.`)
      // Refused for good; 408 and 409 say that it can be sent again, and 5xx may pass.
      error.isFinal = (request.status < 500 && ![408, 409, 429].includes(request.status)) || request.status === 507
      reject(error)
    }
    request.onloadend = () => signal.removeEventListener("abort", abort)
    request.send(portion)
  })
}

async function receivedBytes(id, signal) {
  let answer
  try {
    answer = await fetch(`${API}/${id}`, { signal })
  } catch {
    return null
  }
  if (answer.status === 404) throw Object.assign(new Error(await sentenceOf(answer)), { isFinal: true })
  return answer.ok ? (await answer.json()).received : null
}

function wait(milliseconds, signal) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
    signal.addEventListener("abort", resolve, { once: true })
  })
}

async function sentenceOf(answer) {
  return parsed(await answer.text()).error || `The server answered ${answer.status}.`
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}
