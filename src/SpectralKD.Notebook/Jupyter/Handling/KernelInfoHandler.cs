using System.Text.Json.Nodes;
using SpectralKD.Notebook.Jupyter.Wire;

namespace SpectralKD.Notebook.Jupyter.Handling;

/// <summary><c>kernel_info_request</c>: who the kernel is and which language it speaks.</summary>
internal sealed class KernelInfoHandler : IMessageHandler
{
    public string RequestType => "kernel_info_request";

    public static string Version { get; } = typeof(KernelInfoHandler).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    public Task<JsonObject?> HandleAsync(JupyterMessage request) => Task.FromResult<JsonObject?>(new JsonObject
    {
        ["protocol_version"] = MessageWriter.ProtocolVersion,
        ["implementation"] = "spectralkd",
        ["implementation_version"] = Version,
        ["banner"] = $"SpectralKD.Interactive {Version}: C# on .NET {Environment.Version}. #!spectral-help lists the commands.",
        ["debugger"] = false,
        ["help_links"] = new JsonArray(),
        ["language_info"] = new JsonObject
        {
            ["name"] = "C#",
            ["version"] = "14.0",
            ["mimetype"] = "text/x-csharp",
            ["file_extension"] = ".cs",
            ["pygments_lexer"] = "csharp",
            ["codemirror_mode"] = "text/x-csharp",
        },
    });
}
