using System.Diagnostics;
using SpectralKD.Notebook.Jupyter;
using SpectralKD.Notebook.Session;
using SpectralKD.Tests;

namespace SpectralKD.Notebook.Tests.Jupyter;

public sealed class JupyterClientTests
{
    [Fact]
    public async Task Jupyters_own_client_and_the_CSharp_session_understand_each_other()
    {
        if (!await HasJupyterClientAsync())
        {
            Assert.Skip("skipped: no python3 with jupyter_client (Debian: apt-get install python3-jupyter-client)");
        }
        using var connection = new ConnectionFileForTest();
        var kernel = JupyterKernel.RunAsync(connection.Path, ask => new CSharpSession(new CSharpSessionOptions { Input = ask }), _ => { });
        var script = Path.Combine(SharedData.RepositoryRoot, "tests", "SpectralKD.Notebook.Tests", "Jupyter", "Clients", "jupyter_client_talk.py");
        var (code, output) = await PythonAsync(script, connection.Path);
        Assert.True(code == 0, output);
        await kernel.WaitAsync(TimeSpan.FromSeconds(60));
    }

    private static async Task<bool> HasJupyterClientAsync()
    {
        try
        {
            return (await PythonAsync("-c", "import jupyter_client")).Code == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static async Task<(int Code, string Output)> PythonAsync(params string[] arguments)
    {
        // Debian's own Python first: its packages are not seen by another one that stands earlier on the path.
        var python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
        using var process = Process.Start(new ProcessStartInfo(python, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await error);
    }
}
