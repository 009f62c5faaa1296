namespace SpectralKD.Notebook.Jupyter.Wire;

/// <summary>A message that breaks the protocol. It is dropped or answered with an error; the kernel lives on.</summary>
internal sealed class MalformedMessageException(string message, Exception? cause = null) : Exception(message, cause);
