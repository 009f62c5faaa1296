using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter.Wire;

namespace SpectralKD.Notebook.Jupyter.Handling;

/// <summary>Answers one type of request.</summary>
internal interface IMessageHandler
{
    /// <summary>The type it answers, for instance <c>kernel_info_request</c>.</summary>
    string RequestType { get; }

    /// <summary>The content of the reply, without its status where that is <c>ok</c>; null where the protocol has no reply.</summary>
    /// <exception cref="MalformedMessageException">The request's content is not what the protocol says; the reply is an error.</exception>
    Task<JsonObject?> HandleAsync(JupyterMessage request);
}
