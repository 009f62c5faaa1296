using Microsoft.DotNet.Interactive;
using Microsoft.DotNet.Interactive.Commands;
using Microsoft.DotNet.Interactive.CSharp;
using Microsoft.DotNet.Interactive.Events;

namespace SpectralKD.DotNetInteractive.Tests;

/// <summary>A notebook of .NET Interactive's own packages in this process, with our extension loaded: what a program with a kernel of its own has.</summary>
internal sealed class KernelInProcess : IDisposable
{
    private KernelInProcess(CompositeKernel root) => Root = root;

    /// <summary>The root kernel.</summary>
    public CompositeKernel Root { get; }

    /// <summary>A new kernel; the extension is loaded through a cell, as extension.dib does it.</summary>
    public static async Task<KernelInProcess> StartAsync()
    {
        var kernel = new KernelInProcess(new CompositeKernel { new CSharpKernel().UseKernelHelpers().UseWho().UseValueSharing() });
        await SpectralKDExtension.LoadAsync(kernel.Root);
        return kernel;
    }

    /// <summary>Runs a cell that must succeed: its events.</summary>
    public async Task<IReadOnlyList<KernelEvent>> RunAsync(string code)
    {
        var events = (await Root.SendAsync(new SubmitCode(code))).Events;
        Assert.True(events.OfType<CommandFailed>().FirstOrDefault() is null, $"{code}\n{events.OfType<CommandFailed>().FirstOrDefault()?.Message}");
        return events;
    }

    /// <summary>Runs a cell that must fail: why it did.</summary>
    public async Task<string> FailAsync(string code) => Assert.Single((await Root.SendAsync(new SubmitCode(code))).Events.OfType<CommandFailed>()).Message;

    /// <summary>What completion proposes at the end of a line.</summary>
    public async Task<IReadOnlyList<string>> CompleteAsync(string line) =>
    [
        .. (await Root.SendAsync(new RequestCompletions(line, new LinePosition(0, line.Length)))).Events
            .OfType<CompletionsProduced>().SelectMany(produced => produced.Completions).Select(item => item.InsertText ?? item.DisplayText),
    ];

    /// <summary>All that was shown, as one representation of each value.</summary>
    public static IReadOnlyList<string> Shown(IEnumerable<KernelEvent> events, string mime) =>
    [
        .. events.OfType<DisplayEvent>().SelectMany(shown => shown.FormattedValues).Where(value => value.MimeType == mime).Select(value => value.Value),
    ];

    public void Dispose() => Root.Dispose();
}
